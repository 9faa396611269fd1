"""Time of a list of 100 as the database grows: it must not.

The databases hold that many applications, 100 to an account; accounts are asked in turns, through
the whole application but without a socket. The sizes are measured in turns too.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack

import common
from cpu import WsgiApp, answer, make_environ

from restcomm_apps import create_app

SIZES = (1_000, 100_000, 1_000_000)


def request_list(app: WsgiApp, account: int) -> int:
    """Ask for an account's list; return the length of the reply."""
    path = f"{common.BASE}/{common.account_sid(account)}/Applications.json"
    authorization = common.authorization(account)
    return len(answer(app, make_environ(path, HTTP_AUTHORIZATION=authorization)))


def time_lists(app: WsgiApp, accounts: int, count: int, clock: Callable[[], float]) -> float:
    """Return the seconds that a list takes, the median of ``count``."""
    seconds = []
    for _ in range(count):
        account = random.randrange(accounts)
        began = clock()
        length = request_list(app, account)
        seconds.append(clock() - began)
        assert length > 100 * 300, "a list of 100 is longer"
    return statistics.median(seconds)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    common.add_server(parser)
    arguments = parser.parse_args()
    # What a MariaDB does is no CPU time of this process.
    clock = time.perf_counter if arguments.server else time.thread_time
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        databases = {}
        for size in arguments.sizes:
            made = common.new_database_url(arguments.server, folder, size)
            url = stack.enter_context(made)
            common.fill(url, size)
            app = create_app({"RESTCOMM_APPS_DATABASE_URL": url})
            databases[size] = app
        times: dict[int, list[float]] = {size: [] for size in databases}
        for _ in range(arguments.rounds):
            for size, app in databases.items():
                times[size].append(time_lists(app, size // 100, 100, clock))
        smallest = statistics.median(times[min(times)])
        print(f"{'applications':>12} {'ms a list':>10} {'to smallest':>12}")
        for size, seconds in times.items():
            median = statistics.median(seconds)
            print(f"{size:12} {median * 1000:10.2f} {median / smallest:12.2f}")


if __name__ == "__main__":
    main()
