"""How rows of a resource look as text: laid out once and filled for every reply.

For each property a Layout learns from a writer the text around its value. To write rows it then
goes property by property: it reads the values of all rows, escapes them if any of them needs it,
and fills each row's values in between those texts.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from .escapes import escape_all
from .resource import MANY, ONE, Columns

STEP = "  "  # Two spaces a level, in both formats.


class Line(NamedTuple):
    """The text of a property: ``filled`` has %s for the value, ``empty`` shows an empty one."""

    filled: str
    empty: str


class Frame(NamedTuple):
    """What stands before, between and after the rows of a list, and a list without any."""

    opening: str
    between: str
    closing: str
    empty: str

    def put_around(self, rows):
        """Write the list of these rows, an iterable of texts."""
        text = self.between.join(rows)
        return f"{self.opening}{text}{self.closing}" if text else self.empty


class Layout:
    """The look of a resource's rows in the format of a writer.

    ``indent`` is that of a row's first line, which itself is written without.
    """

    def __init__(self, writer, resource, site, indent):
        self._site = site
        # How the last property that is a list looks: its Line, Frame and Layout.
        self._list = None
        shown = [each for each in resource.properties if writer.name_of(each)]
        self._opening, lines, self._closing = writer.lay_out(resource, shown, indent)
        self._slots = [
            (each.read, self._make_slot(writer, each, line, indent + STEP))
            for each, line in zip(shown, lines)
        ]

    def _make_slot(self, writer, shown, line, indent):
        """Make what turns a property's values into the text of its place and what to fill in."""
        if shown.kind == ONE:
            return partial(_fill_with_one, line, Layout(writer, shown.of, self._site, indent))
        if shown.kind == MANY:
            frame = writer.frame(writer.name_of(shown), shown.of.element, indent)
            layout = Layout(writer, shown.of, self._site, indent + STEP)
            self._list = line, frame, layout
            return partial(_fill_with_many, line, frame, layout)
        return partial(_fill, line, writer.plain, writer.escape)

    def write(self, rows):
        """Write rows, a list: give an iterable of their texts."""
        columns = Columns(rows)
        parts, filled = [self._opening], []
        for read, fill in self._slots:
            part, values = fill(read(columns, self._site))
            parts.append(part)
            filled.append(values)
        return map("".join([*parts, self._closing]).__mod__, zip(*filled))

    def write_in_parts(self, row: Any, lists: Iterable[list]) -> Iterator[str]:
        """Yield the text of a row in parts, with the rows of ``lists`` in its last property.

        That is one that is a list, and None in the row itself. None of ``lists`` is empty.
        """
        line, frame, layout = self._list
        (text,) = self.write([row])
        yield text.removesuffix(self._closing) + line.filled % frame.opening
        between = ""
        for rows in lists:
            yield between + frame.between.join(layout.write(rows))
            between = frame.between
        yield frame.closing + self._closing


def _fill(line, plain, escape, values):
    if all(values):
        return line.filled, escape_all(values, plain, escape)
    # Where a value is missing or empty the place holds each row's whole line, or nothing.
    return "%s", [_line_of(line, escape, value) for value in values]


def _line_of(line, escape, value):
    if value is None:
        return ""
    return line.filled % escape(value) if value else line.empty


def _fill_with_one(line, layout, rows):
    return line.filled, layout.write(rows)


def _fill_with_many(line, frame, layout, lists):
    return "%s", [
        "" if rows is None else line.filled % frame.put_around(layout.write(rows)) for rows in lists
    ]
