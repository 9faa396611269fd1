"""The command line run as an operator runs it: processes, and the one sentence of a mistake."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from restcomm_apps import config

from .forked import ForkedProcess

MODULE = (sys.executable, "-m", "restcomm_apps")


CONSOLE_SCRIPT = (str(Path(sys.executable).with_name("restcomm-apps")),)


def start(*arguments, program=None, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **settings):
    """Start the command line in a process group of its own, with these settings and no others.

    It is forked from a process that has imported it, unless a ``program`` is named.
    """
    environ = {
        name: text for name, text in os.environ.items() if not name.startswith(config.PREFIX)
    }
    popen = subprocess.Popen if program else ForkedProcess
    return popen(
        [*(program or MODULE), *map(str, arguments)],
        env=environ | {config.PREFIX + name: text for name, text in settings.items()},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )


def finish(process, answer=""):
    """Wait for a process that must end by itself, and give it an answer for its standard input.

    Return its exit code, output and errors.
    """
    try:
        output, errors = process.communicate(answer.encode(), timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        pytest.fail(f"{process.args} did not end; it wrote {output}{errors}")
    return process.returncode, output.decode(), (errors or b"").decode()


def run(*arguments, **options):
    """Run the command line to its end; see ``start`` and ``finish``."""
    return finish(start(*arguments, **options))


def succeed(*arguments, **options):
    """Run a command that must succeed and complain of nothing; give its output."""
    code, output, errors = run(*arguments, **options)
    assert (code, errors) == (0, "")
    return output


def check_mistake(outcome, *words):
    """Assert an outcome of one sentence that holds these words, nothing else, and exit code 2."""
    code, output, errors = outcome
    assert re.fullmatch(r"restcomm-apps: [^\n]+\n", errors), errors
    assert [word for word in words if word not in errors] == [], errors
    assert (code, output) == (2, "")
