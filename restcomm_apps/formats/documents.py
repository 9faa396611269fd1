"""Documents: one row of a resource, or a list, in the format that a reply has."""

from .json_writer import JsonWriter
from .layout import STEP, Frame, Layout
from .media_types import JSON, XML
from .xml_writer import XmlWriter


class Layouts:
    """The layouts of all resources in both formats, each made when it is first asked for."""

    # How deep the one element of a document stands.
    _DEPTHS = {JSON: "", XML: STEP}

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
            self._of_lists[key] = frame, Layout(writer, resource, self._site, depth + STEP)
        return self._of_lists[key]
