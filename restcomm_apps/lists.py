"""Lists of applications as replies: whole, streamed or a page, in each format.

How a row looks is the business of ``render`` and ``tables``.
"""

import json
from typing import NamedTuple

from flask import current_app, request, stream_with_context

from . import application_lists, tables
from .escapes import ascii_json, xml_text
from .properties import APPLICATION
from .render import MEDIA_TYPES, Reply, list_document
from .suffix import CSV, FORMAT, JSON, SUFFIX, XML

# Rows that are sent at once of a list that is streamed.
PIECE = 100
_CSV_TYPE = "text/csv"
# All but the numbers, which are a list of their own.
_CSV_PROPERTIES = tuple(p for p in APPLICATION.properties if p.xml and p.xml != "Numbers")
# The links of a page that CSV has in a header.
_RELATIONS = {
    "first_page_uri": "first",
    "previous_page_uri": "prev",
    "next_page_uri": "next",
    "last_page_uri": "last",
}


class Layout(NamedTuple):
    """What stands before, between and after the rows of a list that has any."""

    head: str
    separator: str
    tail: str


_ELEMENT = APPLICATION.list_element
_LAYOUTS = {
    JSON: Layout("[\n", ",\n", "\n]"),
    XML: Layout(
        f"<RestcommResponse>\n  <{_ELEMENT}>\n", "\n", f"\n  </{_ELEMENT}>\n</RestcommResponse>"
    ),
    CSV: Layout(tables.write_header(_CSV_PROPERTIES), "", ""),
}


def wants_csv():
    """Tell whether the request asks for the list as CSV."""
    return request.environ[SUFFIX] == CSV


def render_batches(batches):
    """Make the reply that lists the applications of ``application_lists.list_batches``.

    A single batch goes out whole; more are streamed, each as it is read. A fault then cuts the
    reply: nothing that would end it well is sent.
    """
    rows = next(batches)
    if len(rows) < application_lists.BATCH:
        return _reply(_write(rows))
    return _reply(stream_with_context(_stream(rows, batches)))


def render_page(page, description):
    """Make the reply that shows one page; ``description`` is ``paging.describe_page``'s."""
    document = _write(page.rows)
    if not wants_csv():
        envelop = _in_json if request.environ[FORMAT] == JSON else _in_xml
        return _reply(envelop(document, description))
    reply = _reply(document)
    links = {_RELATIONS[key]: uri for _, key, uri in description if key in _RELATIONS and uri}
    reply.headers["Link"] = ", ".join(f'<{uri}>; rel="{name}"' for name, uri in links.items())
    return reply


def _reply(document):
    media_type = _CSV_TYPE if wants_csv() else MEDIA_TYPES[request.environ[FORMAT]]
    return Reply(document, content_type=media_type)


def _write(rows):
    """Write a whole document."""
    if wants_csv():
        site = current_app.extensions["site"]
        return _LAYOUTS[CSV].head + tables.write_rows(_CSV_PROPERTIES, rows, site)
    return list_document(APPLICATION, rows, request.environ[FORMAT])


def _stream(rows, batches):
    """Yield a document in pieces: of rows that have been read, then of those of further batches."""
    layout = _LAYOUTS[CSV if wants_csv() else request.environ[FORMAT]]
    before = layout.head
    while rows:
        for start in range(0, len(rows), PIECE):
            document = _write(rows[start : start + PIECE])
            yield before + document.removeprefix(layout.head).removesuffix(layout.tail)
            before = layout.separator
        rows = next(batches, None)
    yield layout.tail


def _in_json(array, description):
    """Put an array into the object that describes the page."""
    told = json.dumps({key: value for _, key, value in description}, indent=2)
    beginning = ascii_json(told).removesuffix("\n}")
    # No text in JSON holds a line break of its own.
    indented = array.replace("\n", "\n  ")
    return f'{beginning},\n  "{_ELEMENT.lower()}": {indented}\n}}'


def _in_xml(document, description):
    """Give the list's element, the first of its name, the attributes that describe the page."""
    texts = ((name, "" if value is None else str(value)) for name, _, value in description)
    attributes = "".join(f' {name}="{xml_text(text)}"' for name, text in texts)
    return document.replace(f"<{_ELEMENT}", f"<{_ELEMENT}{attributes}", 1)
