"""The two ways that README gives to install the service, run in a copy of the checkout."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from restcomm_apps.store.urls import parse

from ..support.documentation import ROOT, blocks, commands, read
from ..support.service import check_reply, free_port

pytestmark = pytest.mark.soak

NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", "*.db*", "*.egg-info", "__pycache__", "build", "dist"
)
START_TIMEOUT = 300  # seconds; an installation fetches packages


@pytest.fixture
def checkout(tmp_path):
    """A copy of the checkout without anything that was made in it."""
    return shutil.copytree(ROOT, tmp_path / "checkout", ignore=NOT_COPIED)


@pytest.fixture
def run_in_background(checkout):
    """A function that runs a shell command in the checkout until the test ends."""
    running = []
    environ = {name: text for name, text in os.environ.items() if "RESTCOMM_APPS_" not in name}
    # README's commands as they stand, beside a service that has the default port.
    environ["RESTCOMM_APPS_BIND"] = f"127.0.0.1:{free_port()}"

    def run(command):
        process = subprocess.Popen(
            ["sh", "-ec", command],
            cwd=checkout,
            env=environ,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def curl_line_of(process):
    """Read a command's output up to gunicorn's first line; give the line that begins with curl."""
    deadline = time.monotonic() + START_TIMEOUT
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Listening at" in line:
            break
        assert time.monotonic() < deadline, "".join(lines)
    found = [line for line in lines if line.startswith("curl ")]
    assert len(found) == 1, "".join(lines)
    return found[0].strip()


def paste(line):
    """Run the line in a shell as an operator would, and give what it prints."""
    line = re.sub("^curl ", "curl -sS --retry 20 --retry-delay 1 --retry-connrefused ", line)
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_serve_prints_a_curl_line_that_works(run_in_background):
    console = blocks(read("README.md"), "console")[0]
    assert commands(console)[0][0] == "make serve"
    assert paste(curl_line_of(run_in_background("make serve"))) == "[]"


def test_installation_without_make_works(run_in_background):
    line = curl_line_of(run_in_background(blocks(read("README.md"), "sh")[0]))
    reply = paste(line.replace(".json", ""))
    check_reply(200, "application/xml", reply.encode())


def test_make_says_what_a_python_without_ensurepip_lacks(checkout, tmp_path):
    bare = tmp_path / "python-without-ensurepip"
    bare.write_text(
        "#!/bin/sh\n"
        # As on a bare Debian, where the package python3-venv is not installed.
        'case "$*" in *ensurepip*) echo "No module named ensurepip" >&2; exit 1;; esac\n'
        'exec python3 "$@"\n'
    )
    bare.chmod(0o755)
    make = ["make", "serve", f"PYTHON={bare}"]
    done = subprocess.run(make, cwd=checkout, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_backup_of_readme_holds_what_was_acknowledged(make_gunicorn, database_url):
    gunicorn = make_gunicorn().start()
    gunicorn.run("init-db", "--first-account")
    folder = Path(parse(database_url).name).parent
    command = re.search(r"`(sqlite3 .*?)`,", read("README.md"))[1]
    subprocess.run(["sh", "-c", command], cwd=folder, check=True, timeout=60)
    count = ["sqlite3", "copy.db", "select count(*) from restcomm_accounts"]
    done = subprocess.run(count, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "1"
