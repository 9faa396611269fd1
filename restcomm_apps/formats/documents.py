"""How rows of a resource look, laid out once and filled for every reply.

``templates/response.xml`` says how XML is laid out, ``properties`` what it holds. From both a
Layout learns, for each property, the text around its value. To write rows it then goes property
by property: it reads the values of all rows, escapes them if any of them needs it, and fills each
row's values in between those texts. Nothing here knows a request or a media type.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from .escapes import JSON_PLAIN, XML_PLAIN, escape_all, json_text, xml_text
from .media_types import JSON, XML
from .resource import BARE, MANY, ONE, Columns

_STEP = "  "  # Two spaces a level, in both formats.


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
            (each.read, self._make_slot(writer, each, line, indent + _STEP))
            for each, line in zip(shown, lines)
        ]

    def _make_slot(self, writer, shown, line, indent):
        """Make what turns a property's values into the text of its place and what to fill in."""
        if shown.kind == ONE:
            return partial(_fill_with_one, line, Layout(writer, shown.of, self._site, indent))
        if shown.kind == MANY:
            frame = writer.frame(writer.name_of(shown), shown.of.element, indent)
            layout = Layout(writer, shown.of, self._site, indent + _STEP)
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


class XmlWriter:
    """XML as ``templates/response.xml`` lays it out."""

    plain = XML_PLAIN
    escape = staticmethod(xml_text)

    def __init__(self, template):
        self._template = template
        self._element = template.make_module({"name": "", "content": ""}).element

    @staticmethod
    def name_of(shown):
        """Give a property's name in this format, or None."""
        return shown.xml

    def lay_out(self, resource, shown, indent):
        """Give the text before a row's properties, the Line of each, and the text behind them."""
        opening, *filled, closing = self._lines(resource, shown, "%s", indent)
        empty = self._lines(resource, shown, "", indent)[1:-1]
        nested = f"\n{indent}{_STEP}%s"
        lines = [
            Line(nested if each.of else f"\n{line}", f"\n{void}")
            for each, line, void in zip(shown, filled, empty)
        ]
        return opening.lstrip(), lines, f"\n{closing}"

    def _lines(self, resource, shown, value, indent):
        content = [(each.xml, value) for each in shown]
        return self._lay_out_element(resource.element, content, indent).split("\n")

    def _lay_out_element(self, name, content, indent):
        # A text of its own: Jinja's would escape what it is put together with.
        return str(self._element(name, content, indent))

    def frame(self, list_element, element, indent):
        """Give the Frame of a list of elements."""
        with_one = self._lay_out_element(list_element, [(element, "")], indent)
        opening, _, closing = with_one.lstrip().split("\n")
        inside = f"\n{indent}{_STEP}"
        empty = self._lay_out_element(list_element, [], indent).lstrip()
        return Frame(f"{opening}{inside}", inside, f"\n{closing}", empty)

    def document(self, element):
        """Give what stands before and behind the document's one element."""
        document = self._template.render(name=element, content=[])
        opening, _, closing = document.partition(f"<{element}/>")
        return opening, closing


class JsonWriter:
    """JSON as the original's Gson laid it out."""

    plain = JSON_PLAIN
    escape = staticmethod(json_text)

    @staticmethod
    def name_of(shown):
        """Give a property's name in this format, or None."""
        return shown.json

    @staticmethod
    def lay_out(resource, shown, indent):
        """Give the text before a row's properties, the Line of each, and the text behind them."""
        lines = []
        for each in shown:
            beginning = f'{"," if lines else ""}\n{indent}{_STEP}"{each.json}": '
            value = "%s" if each.of or each.kind == BARE else '"%s"'
            lines.append(Line(beginning + value, f'{beginning}""'))
        return "{", lines, f"\n{indent}}}"

    @staticmethod
    def frame(list_element, element, indent):
        """Give the Frame of an array."""
        inside = f"\n{indent}{_STEP}"
        return Frame(f"[{inside}", f",{inside}", f"\n{indent}]", "[]")

    @staticmethod
    def document(element):
        """Give what stands before and behind the document's one value: nothing."""
        return "", ""


class Layouts:
    """The layouts of all resources in both formats, each made when it is first asked for."""

    # How deep the one element of a document stands.
    _DEPTHS = {JSON: "", XML: _STEP}

    def __init__(self, template, site):
        self._writers = {JSON: JsonWriter(), XML: XmlWriter(template)}
        self._site = site
        self._of_one, self._of_lists = {}, {}

    def write_one(self, resource, row, reply_format):
        """Write the document that shows one row."""
        key = resource.element, reply_format
        if key not in self._of_one:
            writer, depth = self._writers[reply_format], self._DEPTHS[reply_format]
            frame = writer.document(resource.element)
            self._of_one[key] = frame, Layout(writer, resource, self._site, depth)
        (opening, closing), layout = self._of_one[key]
        (text,) = layout.write([row])
        return f"{opening}{text}{closing}"

    def of_list(self, resource, reply_format):
        """Give the Frame and the Layout of a document that lists rows."""
        key = resource.element, reply_format
        if key not in self._of_lists:
            writer, depth = self._writers[reply_format], self._DEPTHS[reply_format]
            opening, closing = writer.document(resource.list_element)
            frame = writer.frame(resource.list_element, resource.element, depth)
            frame = Frame(
                opening + frame.opening,
                frame.between,
                frame.closing + closing,
                opening + frame.empty + closing,
            )
            self._of_lists[key] = frame, Layout(writer, resource, self._site, depth + _STEP)
        return self._of_lists[key]
