"""How long the soak tests run, and on how much; read from the environment here and nowhere else."""

import os

KILLS = int(os.environ.get("SOAK_KILLS", "20"))
SIGNALS = int(os.environ.get("SOAK_SIGNALS", "20"))
CREATES = int(os.environ.get("SOAK_CREATES", "200"))
SECONDS = int(os.environ.get("SOAK_SECONDS", "20"))
CLIENTS = int(os.environ.get("SOAK_CLIENTS", "16"))
ABUSE_SECONDS = int(os.environ.get("SOAK_ABUSE_SECONDS", "10"))
SLOW_CLIENTS = int(os.environ.get("SOAK_SLOW_CLIENTS", "500"))
CLUSTER_SECONDS = int(os.environ.get("SOAK_CLUSTER_SECONDS", "60"))
STREAMS_BEHIND_PROXIES = int(os.environ.get("SOAK_STREAMS", "300"))
APPLICATIONS = int(os.environ.get("SOAK_APPLICATIONS", "100000"))
