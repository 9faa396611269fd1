"""What statements save whose text is kept: CPU of a read and of an insert, each way of writing it.

For ``store/prepared.py``. On SQLite, in this process, without HTTP.
"""

import argparse
import statistics
import tempfile
import time

import common

from restcomm_apps.store.database import database
from restcomm_apps.store.models import Account, Application
from restcomm_apps.store.prepared import Insertion, Parameter, Statement

SID = common.account_sid(0)
ROUNDS = 20


@Statement
def select_account():
    """Select an account by its sid, as every request does."""
    return Account.select().where(Account.sid == Parameter("sid"))


insertion = Insertion(Application)


def read_by_peewee(number):
    """Have Peewee write the query and make the model."""
    return Account.select().where(Account.sid == SID).first()


def read_model(number):
    """Keep the text; make the model."""
    return select_account.first(sid=SID)


def read_and_set(number):
    """Keep the text; set each column as an attribute of the model."""
    return Account(**select_account.first_row(sid=SID)._asdict())


def read_row(number):
    """Keep the text; make a named tuple."""
    return select_account.first_row(sid=SID)


def insert_by_peewee(number):
    """Have Peewee write the insert."""
    return Application.create(**common.application_row(0, number))


def insert_kept(number):
    """Keep the text of the insert."""
    return insertion.run(**common.application_row(1, number))


WAYS = (read_by_peewee, read_and_set, read_model, read_row, insert_by_peewee, insert_kept)


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="of each way in each round")
    arguments = parser.parse_args()
    times = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        common.fill(f"sqlite:///{folder}/statements.db", 200)
        for turn in range(ROUNDS):
            numbers = range(1000 + turn * arguments.times, 1000 + (turn + 1) * arguments.times)
            for way in WAYS:
                # Of all that commit together the disk takes no part.
                with database.atomic():
                    began = time.process_time()
                    for number in numbers:
                        way(number)
                    times[way].append((time.process_time() - began) / arguments.times)
        database.close()
    for way, measured in times.items():
        print(f"{way.__name__:18} {statistics.median(measured) * 1e6:6.1f} microseconds")


if __name__ == "__main__":
    main()
