"""XML as ``templates/response.xml`` lays it out."""

from collections.abc import Sequence
from typing import ClassVar

from jinja2 import Template

from .escapes import XML_PLAIN, xml_text
from .layout import STEP, Frame, Line, PageProperty
from .resource import Property


class XmlWriter:
    """Writes XML; ``template`` is response.xml."""

    depth: ClassVar[str] = STEP
    page_depth: ClassVar[str] = STEP
    plain: ClassVar[bytes] = XML_PLAIN
    escape = staticmethod(xml_text)

    def __init__(self, template: Template) -> None:
        self._template = template
        self._element = vars(template.make_module({"name": "", "content": ""}))["element"]

    @staticmethod
    def name_of(shown: Property) -> str | None:
        """Return a property's name in this format, or None."""
        return shown.xml

    def lay_out(
        self, element: str, properties: Sequence[tuple[str, Property]], indent: str
    ) -> tuple[str, list[Line], str]:
        """Return the text before a row's properties, the Line of each, and the text behind them."""
        names = [name for name, _ in properties]
        opening, *filled, closing = self._lines(element, names, "%s", indent)
        empty = self._lines(element, names, "", indent)[1:-1]
        nested = f"\n{indent}{STEP}%s"
        lines = [
            Line(nested if shown.of else f"\n{line}", f"\n{void}")
            for (_, shown), line, void in zip(properties, filled, empty)
        ]
        return opening.lstrip(), lines, f"\n{closing}"

    def _lines(self, element: str, names: list[str], value: str, indent: str) -> list[str]:
        content = [(name, value) for name in names]
        return self._lay_out_element(element, content, indent).split("\n")

    def _lay_out_element(
        self,
        name: str,
        content: list[tuple[str, str]],
        indent: str,
        attributes: Sequence[tuple[str, str]] = (),
    ) -> str:
        # A text of its own: Jinja's would escape what it is put together with.
        return str(self._element(name, content, indent, attributes))

    def frame(
        self,
        list_element: str,
        element: str,
        indent: str,
        attributes: Sequence[tuple[str, str]] = (),
    ) -> Frame:
        """Return the Frame of a list of elements, whose own has these attributes."""
        with_one = self._lay_out_element(list_element, [(element, "")], indent, attributes)
        opening, _, closing = with_one.lstrip().split("\n")
        inside = f"\n{indent}{STEP}"
        empty = self._lay_out_element(list_element, [], indent, attributes).lstrip()
        return Frame(f"{opening}{inside}", inside, f"\n{closing}", empty)

    def page_frame(
        self, list_element: str, element: str, description: Sequence[PageProperty]
    ) -> Frame:
        """Return the Frame of a page, with a place for each value of its description."""
        places = [(described.xml, "%s") for described in description]
        return self.frame(list_element, element, self.page_depth, places)

    @staticmethod
    def page_value(value: int | str | None) -> str:
        """Write what fills a place of a page's Frame."""
        return "" if value is None else xml_text(str(value))

    def document(self, element: str) -> tuple[str, str]:
        """Return what stands before and behind the document's one element."""
        document = self._template.render(name=element, content=[])
        opening, _, closing = document.partition(f"<{element}/>")
        return opening, closing
