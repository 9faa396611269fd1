"""What a resource's table is made of: its properties in wire order, each with its XML name, its
JSON key and how its values are read.

One table drives both formats. The tables stand with what they describe, in modules named
``representation``; how a value looks as text is the business of the writers.
"""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import NamedTuple, cast

from restcomm_apps.domain.dates import format_dates


class Site(NamedTuple):
    """What a property may need besides its row: the settings ROOT_PATH, TIMEZONE and
    TOKEN_IN_REPLIES.
    """

    root_path: str
    zone: tzinfo
    shows_tokens: bool


# How a property's values look: text in quotes where the format has them; text without; the rows of
# one resource inside another, each a row; a list of such rows for each row, or None.
TEXT = "text"
BARE = "bare"
ONE = "one"
MANY = "many"


class Columns(dict[str, Sequence[object]]):
    """The values of rows by the name of their column: ``columns["sid"][0]`` is the first row's.

    Rows are named tuples, models or others with attributes. What a row lacks is None.
    """

    def __init__(self, rows: Sequence[object]) -> None:
        # Of named tuples of one kind all columns are read at once.
        if len(set(map(type, rows))) == 1 and (names := getattr(rows[0], "_fields", None)):
            tuples = cast("Sequence[tuple[object, ...]]", rows)
            super().__init__(zip(names, zip(*tuples)))
        self.rows = rows

    def __missing__(self, name: str) -> Sequence[object]:
        self[name] = column = [getattr(row, name, None) for row in self.rows]
        return column


Reader = Callable[[Columns, Site], Sequence[object]]


class Property(NamedTuple):
    """One property; ``xml`` or ``json`` is None where that format lacks it.

    ``read(columns, site)`` returns its values, one for each row, from the values of columns by
    name: texts, or rows where it is ONE or MANY; None leaves it out of that row. ``of`` is the
    Resource of a property that is ONE or MANY.
    """

    xml: str | None
    json: str | None
    read: Reader
    kind: str = TEXT
    of: "Resource | None" = None


class Resource(NamedTuple):
    """A resource's element name, its list's ("" without one), and its properties in wire order.

    Every row has the first property, in both formats.
    """

    element: str
    list_element: str
    properties: tuple[Property, ...]


def column(name: str) -> Reader:
    """Make the reader of the texts of a column."""
    return lambda columns, site: columns[name]


def date(name: str) -> Reader:
    """Make the reader of a column of stored dates."""
    return lambda columns, site: format_dates(columns[name], site.zone)


def flag(name: str) -> Reader:
    """Make the reader of a column of booleans."""
    return lambda columns, site: ["true" if value else "false" for value in columns[name]]


def number(name: str) -> Reader:
    """Make the reader of a column of numbers."""
    return lambda columns, site: [str(value) for value in columns[name]]


def rows(columns: Columns, site: Site) -> Sequence[object]:
    """Read the rows themselves, for a resource inside another that is made of the same row."""
    return columns.rows
