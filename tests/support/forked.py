"""Processes of the command line, forked from one that has imported it: ``fork_server.py``."""

import atexit
import ctypes
import functools
import inspect
import json
import os
import socket
import subprocess
import sys
import threading

from .documentation import ROOT

_PR_SET_CHILD_SUBREAPER = 36  # Source: prctl(2), linux/prctl.h.
_EXECUTE_CHILD = inspect.signature(subprocess.Popen._execute_child)


class ForkServer:
    """A process that forks others; started when the first is asked for."""

    def __init__(self, *arguments):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = (sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno()))
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self.requests = ours
        self.lock = threading.Lock()
        atexit.register(self.end)

    def fork(self, command, files):
        """Start a process, from here on a child of this one; return its pid."""
        with self.lock:
            # Meanwhile an orphan below this process, as the new one is, becomes its child.
            _adopt_orphans(True)
            try:
                socket.send_fds(self.requests, [json.dumps(command).encode()], files)
                # Of the process once it has its session, and of the server once it is an orphan.
                told = {self.requests.recv(20) for _ in range(2)} - {b"handed over"}
                (process,) = map(int, told)
            finally:
                _adopt_orphans(False)
        return process

    def end(self):
        """Have it end."""
        self.requests.close()
        self.process.wait(30)


def _adopt_orphans(is_adopting):
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(is_adopting), 0, 0, 0)


@functools.cache
def fork_server(*arguments):
    """Return the fork server with these arguments, the same each time."""
    return ForkServer(*arguments)


class ForkedProcess(subprocess.Popen):
    """``subprocess.Popen`` of ``[sys.executable, "-m", MODULE, *arguments]``, forked.

    All but the start is Popen's own: pipes, waiting, signals.
    """

    def _execute_child(self, *arguments):
        given = _EXECUTE_CHILD.bind(self, *arguments).arguments
        program, option, *command = given["args"]
        assert (program, option) == (sys.executable, "-m")
        files = [given["p2cread"], given["c2pwrite"], given["errwrite"]]
        server = fork_server(*(["--patched"] if "serve" in command else []))
        self.pid = server.fork(
            {
                "arguments": command,
                "environ": dict(os.environ if given["env"] is None else given["env"]),
                "folder": os.fspath(given["cwd"] or os.getcwd()),
                "mask": _mask(),
                "start_new_session": given["start_new_session"],
            },
            [number if file == -1 else file for number, file in enumerate(files)],
        )
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(given[end] for end in pipes))


def _mask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
