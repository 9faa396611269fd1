"""Documents: one row of a resource, all rows of a list or a page of them, in either format."""

from collections.abc import Iterable, Iterator, Sequence

from jinja2 import Template

from .json_writer import JsonWriter
from .layout import STEP, Frame, Layout, PageProperty, Writer
from .media_types import JSON, XML
from .resource import Resource, Site
from .xml_writer import XmlWriter

# A resource's element and a format.
_Key = tuple[str, str]


class Documents:
    """The documents of all resources; how each looks is found out when it is first written.

    ``template`` is response.xml.
    """

    def __init__(self, template: Template, site: Site) -> None:
        self._writers: dict[str, Writer] = {JSON: JsonWriter(), XML: XmlWriter(template)}
        self._site = site
        self._of_one: dict[_Key, tuple[str, Layout, str]] = {}
        self._of_lists: dict[_Key, tuple[Frame, Layout]] = {}
        self._of_pages: dict[_Key, tuple[Frame, Layout]] = {}

    def write_in_parts(
        self, resource: Resource, row: object, lists: Iterable[Sequence[object]], reply_format: str
    ) -> Iterator[str]:
        """Yield the document that shows one row in parts; see ``Layout.write_in_parts``."""
        opening, layout, closing = self._layout_of_one(resource, reply_format)
        yield opening
        yield from layout.write_in_parts(row, lists)
        yield closing

    def write_one(self, resource: Resource, row: object, reply_format: str) -> str:
        """Write the document that shows one row."""
        opening, layout, closing = self._layout_of_one(resource, reply_format)
        (text,) = layout.write([row])
        return f"{opening}{text}{closing}"

    def _layout_of_one(self, resource: Resource, reply_format: str) -> tuple[str, Layout, str]:
        key = resource.element, reply_format
        if key not in self._of_one:
            writer = self._writers[reply_format]
            opening, closing = writer.document(resource.element)
            layout = Layout(writer, resource, self._site, writer.depth)
            self._of_one[key] = opening, layout, closing
        return self._of_one[key]

    def of_list(self, resource: Resource, reply_format: str) -> tuple[Frame, Layout]:
        """Return the Frame and the Layout of a document that lists rows."""
        key = resource.element, reply_format
        if key not in self._of_lists:
            writer = self._writers[reply_format]
            frame = writer.frame(resource.list_element, resource.element, writer.depth)
            self._of_lists[key] = self._put_into_document(writer, resource, frame, writer.depth)
        return self._of_lists[key]

    def of_page(
        self, resource: Resource, reply_format: str, description: Sequence[PageProperty]
    ) -> tuple[Frame, Layout]:
        """Return the Frame and the Layout of a document that shows a page of a list.

        All pages of a resource are described by the same names.
        """
        key = resource.element, reply_format
        writer = self._writers[reply_format]
        if key not in self._of_pages:
            frame = writer.page_frame(resource.list_element, resource.element, description)
            found = self._put_into_document(writer, resource, frame, writer.page_depth)
            self._of_pages[key] = found
        frame, layout = self._of_pages[key]
        texts = tuple(writer.page_value(value) for _, _, value in description)
        return frame.fill_in(texts), layout

    def _put_into_document(
        self, writer: Writer, resource: Resource, frame: Frame, depth: str
    ) -> tuple[Frame, Layout]:
        opening, closing = writer.document(resource.list_element)
        layout = Layout(writer, resource, self._site, depth + STEP)
        return frame.put_into(opening, closing), layout
