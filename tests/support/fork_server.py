"""``python -m tests.support.fork_server``: a process that has imported what the command line needs,
and forks a child for each start of it, in some 20 ms instead of a second.

The child goes on as ``python -m MODULE ARGUMENTS…`` would: it runs the module as ``__main__`` with
the caller's files, folder, mask and environment, and ends as any interpreter does. It is handed
over to the process that started this one, whose child it then is. With ``--patched`` gevent patches
Python's library first, as ``serve`` has it before all else.

``forked.py`` is the other end. Nothing of the tests may be imported here, least of all pytest.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import socket
import sys
import time

# Made before the library is patched: a socket of gevent's would start its loop before the fork.
_REQUESTS = socket.socket(fileno=int(sys.argv[1]))
_MOST_OCTETS = 2**20


def main(is_patched):
    """Import the command line, then fork at each request until the other end closes."""
    fork = os.fork
    if is_patched:
        importlib.import_module("gevent.monkey").patch_all()
    # All of it: the command line imports what a command needs when it runs.
    package = importlib.import_module("restcomm_apps")
    for module in pkgutil.walk_packages(package.__path__, "restcomm_apps."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    while True:
        octets, files, _, _ = socket.recv_fds(_REQUESTS, _MOST_OCTETS, 3)
        if not octets:
            sys.exit()
        go_between = fork()
        if go_between == 0:
            process = fork()
            if process == 0:
                command = json.loads(octets)
                if command["start_new_session"]:
                    os.setsid()
                _REQUESTS.send(str(os.getpid()).encode())
                return command, files
            os._exit(0)
        os.waitpid(go_between, 0)
        _REQUESTS.send(b"handed over")
        for file in files:
            os.close(file)


def become(command, files):
    """Make this process what the caller starts; give the module that it runs."""
    _REQUESTS.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, max(files) + 1)
    os.chdir(command["folder"])
    os.umask(command["mask"])
    os.environ.clear()
    os.environ.update(command["environ"])
    time.tzset()
    sys.stdout.reconfigure(line_buffering=os.isatty(1))
    module, *sys.argv[1:] = command["arguments"]
    return module


if __name__ == "__main__":
    runpy.run_module(become(*main("--patched" in sys.argv)), run_name="__main__", alter_sys=True)
