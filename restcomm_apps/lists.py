"""Lists as replies: pages in each format. How a row looks is ``render``'s business."""

import json

from flask import Response, request

from .escapes import ascii_json, xml_text
from .render import MEDIA_TYPES, list_document
from .suffix import FORMAT, JSON


def render_page(resource, rows, description):
    """Make the reply that shows one page; ``description`` is ``paging.describe_page``'s."""
    reply_format = request.environ[FORMAT]
    envelop = _in_json if reply_format == JSON else _in_xml
    document = envelop(resource, list_document(resource, rows, reply_format), description)
    return Response(document, content_type=MEDIA_TYPES[reply_format])


def _in_json(resource, array, description):
    """Put an array into the object that describes the page."""
    told = json.dumps({key: value for _, key, value in description}, indent=2)
    beginning = ascii_json(told).removesuffix("\n}")
    # No text in JSON holds a line break of its own.
    indented = array.replace("\n", "\n  ")
    return f'{beginning},\n  "{resource.list_element.lower()}": {indented}\n}}'


def _in_xml(resource, document, description):
    """Give the list's element, the first of its name, the attributes that describe the page."""
    texts = ((name, "" if value is None else str(value)) for name, _, value in description)
    attributes = "".join(f' {name}="{xml_text(text)}"' for name, text in texts)
    tag = f"<{resource.list_element}"
    return document.replace(tag, tag + attributes, 1)
