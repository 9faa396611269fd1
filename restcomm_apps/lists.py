"""Lists as replies: whole or a page, in each format. How a row looks is the business of ``render``
and ``tables``.
"""

import json

from flask import Response, current_app, request

from . import tables
from .escapes import ascii_json, xml_text
from .properties import APPLICATION
from .render import MEDIA_TYPES, list_document
from .suffix import CSV, FORMAT, JSON, SUFFIX

CSV_TYPE = "text/csv"
# All but the numbers, which are a list of their own.
_CSV_PROPERTIES = tuple(p for p in APPLICATION.properties if p.xml and p.xml != "Numbers")
_RELATIONS = {"first_page_uri": "first", "previous_page_uri": "prev", "next_page_uri": "next"}
_RELATIONS["last_page_uri"] = "last"


def wants_csv():
    """Tell whether the request asks for the list as CSV."""
    return request.environ[SUFFIX] == CSV


def render_csv(rows, description=()):
    """Make the reply that lists applications as CSV; of a page its links stand in a header."""
    site = current_app.extensions["site"]
    lines = tables.write_header(_CSV_PROPERTIES) + tables.write_rows(_CSV_PROPERTIES, rows, site)
    reply = Response(lines, content_type=CSV_TYPE)
    links = [
        f'<{uri}>; rel="{_RELATIONS[key]}"'
        for _, key, uri in description
        if key in _RELATIONS and uri is not None
    ]
    if links:
        reply.headers["Link"] = ", ".join(links)
    return reply


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
