"""A look at the service's processes (Linux: /proc)."""

import os
import re
import signal
import socket
from contextlib import suppress
from pathlib import Path

from .together import wait_until

# In the KiB of /proc.
MEBIBYTE = 1024


def memory(pid, name):
    """Read a line of a process's memory, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])


def processor_time(pid):
    """Give the seconds that a process's threads have run, whatever else the machine did."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(path.read_text().split()[0]) for path in threads) / 1e9


def worker_pids(gunicorn):
    """List the pids of the workers that run, the children of the master."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # It ended while we looked.
        if int(parent) == gunicorn.process.pid and state != "Z":
            found.append(int(path.parent.name))
    return sorted(found)


def wait_for_workers(gunicorn, count):
    """Wait until that many workers have handlers of their own for signals.

    Until then one of them may swallow a signal that the master passes on; SIGABRT is caught by
    workers only.
    """
    mask = 1 << (signal.SIGABRT - 1)

    def catches(pid):
        caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.M)
        return int(caught[1], 16) & mask

    wait_until(lambda: sum(map(bool, map(catches, worker_pids(gunicorn)))) == count, "the workers")


def open_files(pid):
    """List the names of the files that a process holds open, once for each descriptor."""
    names = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            names.append(os.readlink(link))
        except OSError:
            continue  # It was closed while we looked.
    return names


def peak_memory(pid):
    """Give the peak of a process's resident memory so far, in MiB; None once it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        match = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
        return match and int(match[1]) / 1024
    return None


def accepts(port):
    """Tell whether something accepts connections on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
