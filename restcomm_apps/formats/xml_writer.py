"""XML as ``templates/response.xml`` lays it out."""

from .escapes import XML_PLAIN, xml_text
from .layout import STEP, Frame, Line


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
        nested = f"\n{indent}{STEP}%s"
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
        inside = f"\n{indent}{STEP}"
        empty = self._lay_out_element(list_element, [], indent).lstrip()
        return Frame(f"{opening}{inside}", inside, f"\n{closing}", empty)

    def document(self, element):
        """Give what stands before and behind the document's one element."""
        document = self._template.render(name=element, content=[])
        opening, _, closing = document.partition(f"<{element}/>")
        return opening, closing
