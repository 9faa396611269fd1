"""Processes that are forked end as those do that are started: what they print, and how."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from .command_line import MODULE, finish, start, succeed


@pytest.mark.parametrize(
    "arguments",
    [(), ("--help",), ("destroy",), ("settings",), ("serve", "--bind", "nowhere"), ("check-db",)],
    ids=["nothing", "help", "unknown", "settings", "serve", "no-database"],
)
def test_forked_process_ends_as_a_started_one(tmp_path, arguments):
    url = f"sqlite:///{tmp_path}/none.db"
    forked, started = (
        finish(start(*arguments, program=program, DATABASE_URL=url)) for program in (None, MODULE)
    )
    assert forked == started


def test_forked_process_is_a_child_of_ours_in_a_session_of_its_own(database_url):
    succeed("init-db", DATABASE_URL=database_url)
    # It waits for its standard input.
    arguments = ("add-account", "new@example.com", "--password-stdin")
    with start(*arguments, stdin=subprocess.PIPE, DATABASE_URL=database_url) as process:
        parent, _, session = Path(f"/proc/{process.pid}/stat").read_text().split()[3:6]
        assert (int(parent), int(session)) == (os.getpid(), process.pid)
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
