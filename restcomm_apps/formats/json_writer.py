"""JSON as the original's Gson laid it out."""

from collections.abc import Sequence
from typing import ClassVar

from .escapes import JSON_PLAIN, json_text
from .layout import STEP, Frame, Line, PageProperty
from .resource import BARE, Property


class JsonWriter:
    """Writes JSON."""

    depth: ClassVar[str] = ""
    page_depth: ClassVar[str] = STEP  # In the object that says which page it is.
    plain: ClassVar[bytes] = JSON_PLAIN
    escape = staticmethod(json_text)

    @staticmethod
    def name_of(shown: Property) -> str | None:
        """Return a property's name in this format, or None."""
        return shown.json

    @staticmethod
    def lay_out(
        element: str, properties: Sequence[tuple[str, Property]], indent: str
    ) -> tuple[str, list[Line], str]:
        """Return the text before a row's properties, the Line of each, and the text behind them."""
        lines: list[Line] = []
        for name, shown in properties:
            beginning = f'{"," if lines else ""}\n{indent}{STEP}"{name}": '
            value = "%s" if shown.of or shown.kind == BARE else '"%s"'
            lines.append(Line(beginning + value, f'{beginning}""'))
        return "{", lines, f"\n{indent}}}"

    @staticmethod
    def frame(list_element: str, element: str, indent: str) -> Frame:
        """Return the Frame of an array."""
        inside = f"\n{indent}{STEP}"
        return Frame(f"[{inside}", f",{inside}", f"\n{indent}]", "[]")

    def page_frame(
        self, list_element: str, element: str, description: Sequence[PageProperty]
    ) -> Frame:
        """Return the Frame of a page, with a place for each value of its description."""
        places = "".join(f'\n{STEP}"{described.json}": %s,' for described in description)
        array = self.frame(list_element, element, self.page_depth)
        return array.put_into(f'{{{places}\n{STEP}"{list_element.lower()}": ', "\n}")

    @staticmethod
    def page_value(value: int | str | None) -> str:
        """Write what fills a place of a page's Frame."""
        if isinstance(value, str):
            return f'"{json_text(value)}"'
        return "null" if value is None else str(value)

    @staticmethod
    def document(element: str) -> tuple[str, str]:
        """Return what stands before and behind the document's one value: nothing."""
        return "", ""
