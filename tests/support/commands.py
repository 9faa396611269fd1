"""The command line run in this process, for tests of what a command does with many inputs.

What an operator's shell adds (a process of its own, terminals, signals) is in ``test_cli``.
"""

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from contextvars import copy_context

import pytest

from restcomm_apps.cli import main
from restcomm_apps.config import PREFIX
from restcomm_apps.store.database import NoStore, database


def run(*arguments, **settings):
    """Run a command to its end; give its exit code, output and errors."""
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        for name, text in settings.items():
            patch.setenv(PREFIX + name, text)
        patch.setattr(sys, "argv", ["restcomm-apps", *map(str, arguments)])
        context = copy_context()
        with pytest.raises(SystemExit) as exit_code:
            context.run(main)
        with suppress(NoStore):  # as where a usage is wrong
            context.run(_close)
    code = exit_code.value.code
    if isinstance(code, str):  # as the interpreter ends with a sentence
        return 1, output.getvalue(), f"{errors.getvalue()}{code}\n"
    return code or 0, output.getvalue(), errors.getvalue()


def _close():
    # Which database is meant is looked up here, within the command's context.
    database.close()


def succeed(*arguments, **settings):
    """Run a command that must succeed and complain of nothing; give its output."""
    code, output, errors = run(*arguments, **settings)
    assert (code, errors) == (0, "")
    return output
