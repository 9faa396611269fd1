"""JSON as the original's Gson laid it out."""

from .escapes import JSON_PLAIN, json_text
from .layout import STEP, Frame, Line
from .resource import BARE


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
            beginning = f'{"," if lines else ""}\n{indent}{STEP}"{each.json}": '
            value = "%s" if each.of or each.kind == BARE else '"%s"'
            lines.append(Line(beginning + value, f'{beginning}""'))
        return "{", lines, f"\n{indent}}}"

    @staticmethod
    def frame(list_element, element, indent):
        """Give the Frame of an array."""
        inside = f"\n{indent}{STEP}"
        return Frame(f"[{inside}", f",{inside}", f"\n{indent}]", "[]")

    @staticmethod
    def document(element):
        """Give what stands before and behind the document's one value: nothing."""
        return "", ""
