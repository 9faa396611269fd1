"""A database that one test after the other has to itself, under one name.

To make tables anew, and the application that has looked at them, takes longer than most tests.
"""

import shutil
import sqlite3
from contextlib import closing

from .databases import (
    SERVER,
    connect_directly,
    create_database,
    describe,
    drop_database,
    new_database_url,
)
from .service import forget_applications
from .tables import make_tables, read_rows, replace_rows


class KeptDatabase:
    """A database, new to each test; a SQLite file is alone in its folder.

    ``has_tables`` says whether it has the tables of ``init-db``, with one row, or none.
    """

    def __init__(self, folder, has_tables):
        self.folder, self.has_tables = folder, has_tables
        self.url = None
        # What it is when a test begins; without a description it has to be made again.
        self.description, self.rows = None, {}

    def renew(self):
        """Make it what it was, whatever the last test has left, and return its URL."""
        if SERVER and self.description is not None:
            replace_rows(self.url, self.rows)
            return self.url
        self._make()
        if self.description is None:
            self.description = self._describe()
            self.rows = read_rows(self.url) if self.has_tables else {}
        return self.url

    def _make(self):
        if self.url is None:
            self.url = new_database_url(self.folder)
        else:
            self.remove()
            create_database(self.url)
        self.folder.mkdir(exist_ok=True)
        if self.has_tables:
            make_tables(self.url)

    def look_again(self):
        """Forget the applications that have seen other tables than a test begins with."""
        if self._describe() != self.description:
            forget_applications(self.url)
            self.description = None

    def remove(self):
        """Remove it, where it has been made."""
        if self.url is not None:
            drop_database(self.url)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _describe(self):
        if not SERVER and not any(self.folder.iterdir()):
            return []  # To connect would make a file.
        try:
            with closing(connect_directly(self.url)) as connection:
                return describe(connection)
        except sqlite3.DatabaseError as error:  # as of a file that a test has spoilt
            return error
