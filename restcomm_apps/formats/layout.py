"""How rows of a resource look as text: laid out once and filled for every reply.

For each property a Layout learns from a writer the text around its value. To write rows it then
goes property by property: it reads the values of all rows, escapes them if any of them needs it,
and fills each row's values in between those texts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar, NamedTuple, Protocol, cast

from .escapes import are_plain, escape_all
from .resource import ONE, Columns, Property, Resource, Site

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

    def put_around(self, rows: Iterable[str]) -> str:
        """Write the list of these rows."""
        text = self.between.join(rows)
        return f"{self.opening}{text}{self.closing}" if text else self.empty

    def put_into(self, opening: str, closing: str) -> "Frame":
        """Return the frame of a list that stands between two texts."""
        return Frame(
            opening + self.opening,
            self.between,
            self.closing + closing,
            opening + self.empty + closing,
        )

    def fill_in(self, texts: tuple[str, ...]) -> "Frame":
        """Return the frame with these texts in the places (%s) of its beginning."""
        return self._replace(opening=self.opening % texts, empty=self.empty % texts)


class PageProperty(NamedTuple):
    """What a page says of the whole list: the name of an XML attribute, a JSON key, the value."""

    xml: str
    json: str
    value: int | str | None


class Writer(Protocol):
    """One format: how a row, a list of rows and a document look in it.

    ``depth`` is the indent of a document's one element, ``page_depth`` that of the list in a page;
    ``plain`` are the octets that ``escape`` leaves as they are.
    """

    depth: ClassVar[str]
    page_depth: ClassVar[str]
    plain: ClassVar[bytes]

    @property
    def escape(self) -> Callable[[str], str]:
        """What escapes a text."""

    @staticmethod
    def name_of(shown: Property, /) -> str | None:
        """Return a property's name in this format, or None."""

    def lay_out(
        self, element: str, properties: Sequence[tuple[str, Property]], indent: str, /
    ) -> tuple[str, list[Line], str]:
        """Return the text before a row's properties, the Line of each, and the text behind them."""

    def frame(self, list_element: str, element: str, indent: str, /) -> Frame:
        """Return the Frame of a list of elements."""

    def page_frame(
        self, list_element: str, element: str, description: Sequence[PageProperty], /
    ) -> Frame:
        """Return the Frame of a page, with a place for each value of its description."""

    @staticmethod
    def page_value(value: int | str | None, /) -> str:
        """Write what fills a place of a page's Frame."""

    def document(self, element: str, /) -> tuple[str, str]:
        """Return what stands before and behind the document's one element."""


# Turns a property's rows into the text of its place in a row, and what fills the %s in it.
_Fill = Callable[[Sequence[object]], tuple[str, Iterable[str]]]


class Layout:
    """The look of a resource's rows in the format of a writer.

    ``indent`` is that of a row's first line, which itself is written without.
    """

    # How the last property that is a list looks, where there is one.
    _list: tuple[Line, Frame, "Layout"]

    def __init__(self, writer: Writer, resource: Resource, site: Site, indent: str) -> None:
        self._site = site
        properties = [
            (name, shown) for shown in resource.properties if (name := writer.name_of(shown))
        ]
        self._opening, lines, self._closing = writer.lay_out(resource.element, properties, indent)
        self._escape, self._plain = writer.escape, writer.plain
        self._slots = [
            (shown.read, line, self._make_fill(writer, name, shown, line, indent + STEP))
            for (name, shown), line in zip(properties, lines)
        ]

    def _make_fill(
        self, writer: Writer, name: str, shown: Property, line: Line, indent: str
    ) -> _Fill | None:
        """Make what fills the place of a property that holds rows; of texts there is no need."""
        if shown.of is None:
            return None
        if shown.kind == ONE:
            return partial(_fill_with_one, line, Layout(writer, shown.of, self._site, indent))
        frame = writer.frame(name, shown.of.element, indent)
        layout = Layout(writer, shown.of, self._site, indent + STEP)
        self._list = line, frame, layout
        return cast(_Fill, partial(_fill_with_many, line, frame, layout))

    def write(self, rows: Sequence[object]) -> Iterator[str]:
        """Yield the texts of rows."""
        columns = Columns(rows)
        parts, unescaped = [self._opening], []
        filled: list[Iterable[str]] = []
        for read, line, fill in self._slots:
            values = read(columns, self._site)
            if fill is not None:
                part, texts = fill(values)
            elif all(values):
                part, texts = line.filled, cast("Sequence[str]", values)
                unescaped.append(len(filled))
            else:
                # The place holds each row's whole line, or nothing.
                part, texts = "%s", [self._line_of(line, value) for value in values]
            parts.append(part)
            filled.append(texts)
        self._escape_all(filled, unescaped)
        return map("".join([*parts, self._closing]).__mod__, zip(*filled))

    def _line_of(self, line: Line, value: object) -> str:
        if value is None:
            return ""
        return line.filled % self._escape(cast(str, value)) if value else line.empty

    def _escape_all(self, filled: list[Iterable[str]], places: list[int]) -> None:
        """Escape what fills some places; one look at all together shows whether any needs it."""
        if are_plain(map("".join, [filled[place] for place in places]), self._plain):
            return
        for place in places:
            filled[place] = escape_all(filled[place], self._plain, self._escape)

    def write_in_parts(self, row: object, lists: Iterable[Sequence[object]]) -> Iterator[str]:
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


def _fill_with_one(line: Line, layout: Layout, rows: Sequence[object]) -> tuple[str, Iterable[str]]:
    return line.filled, layout.write(rows)


def _fill_with_many(
    line: Line, frame: Frame, layout: Layout, lists: Sequence[Sequence[object] | None]
) -> tuple[str, Iterable[str]]:
    return "%s", [
        "" if rows is None else line.filled % frame.put_around(layout.write(rows)) for rows in lists
    ]
