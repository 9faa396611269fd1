"""Where a process begins: ``serve`` has gevent patch Python's library before all else is imported.

What was imported before would wait without letting other requests go on.
"""

import importlib
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["serve"]:
        importlib.import_module("gevent.monkey").patch_all()
    importlib.import_module("restcomm_apps.cli").main()


if __name__ == "__main__":
    main()
