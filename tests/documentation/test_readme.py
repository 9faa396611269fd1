"""README's console blocks, run in a shell against a real service, give what README shows."""

import os
import re
import subprocess

import pytest

from ..support.documentation import blocks, commands, read
from ..support.service import check_reply

SHOWN = [pair for block in blocks(read("README.md"), "console") for pair in commands(block)]
VARYING = (
    (r"AP[0-9a-f]{32}", "AP…"),
    (r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]{8} \+0000", "DATE"),
)


def without_varying(text):
    """Replace what differs from run to run."""
    for pattern, placeholder in VARYING:
        text = re.sub(pattern, placeholder, text)
    return text


@pytest.fixture
def shell(make_gunicorn):
    """A function that runs a command of README in a shell with $SID, $TOKEN, $URL and $AP."""
    gunicorn = make_gunicorn().start()
    line = re.search(r"^curl -u (\S+):(\S+) ", gunicorn.run("init-db", "--first-account"), re.M)
    variables = {**os.environ, "SID": line[1], "TOKEN": line[2]}

    def run(command):
        command = command.replace("127.0.0.1:8080", f"127.0.0.1:{gunicorn.port}")
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            variables[name] = run(f"printf %s {value}")
            return ""
        command = re.sub(r"^curl ", "curl -sS --max-time 30 ", command)
        done = subprocess.run(
            ["sh", "-c", command], env=variables, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        if made := re.search(r"AP[0-9a-f]{32}", done.stdout):
            variables.setdefault("AP", made[0])
        return done.stdout

    return run


def test_readme_shows_what_the_service_answers(shell):
    curls = 0
    for command, shown in SHOWN:
        if command.startswith("make "):
            continue  # tests/soak/test_installation.py runs it; this run is the other one
        output = shell(command).replace("\r\n", "\n")
        curls += command.startswith("curl")
        if command.startswith("curl -i"):
            check_shown_headers(output, shown)
        elif shown:
            assert without_varying(output) == without_varying(shown)
        elif output:
            media_type = "application/json" if output[0] in "[{" else "application/xml"
            check_reply(200, media_type, output.encode())
    assert curls == 6


def check_shown_headers(output, shown):
    """Assert that the shown status, headers and body are among those answered."""
    head, _, body = output.partition("\n\n")
    shown_head, _, shown_body = shown.partition("\n\n")
    assert body == shown_body
    assert head.splitlines()[0] == shown_head.splitlines()[0]
    assert set(shown_head.splitlines()) <= set(head.splitlines())


def test_first_screen_is_short():
    first_screen = read("README.md").partition("Changing, reading and removing")[0]
    assert len(first_screen.splitlines()) <= 48
