"""Lists of any resource as replies: whole, streamed or a page, in each format.

How a row looks is the business of ``render`` and ``tables``.
"""

import json
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from flask import current_app, request, stream_with_context

from restcomm_apps.formats import csv_table as tables
from restcomm_apps.formats.escapes import ascii_json, xml_text
from restcomm_apps.formats.layout import Frame
from restcomm_apps.formats.media_types import CSV, JSON, MEDIA_TYPES
from restcomm_apps.formats.resource import Resource
from restcomm_apps.resources.applications.representation import APPLICATION
from restcomm_apps.resources.listings import Listing
from restcomm_apps.resources.selection import Selection, describe_page

from .replies import Reply, list_layout
from .target import FORMAT, SUFFIX

# Rows that are sent at once of a list that is streamed.
PIECE = 100
# All but the numbers, which are a list of their own.
_CSV_PROPERTIES = tuple(p for p in APPLICATION.properties if p.xml and p.xml != "Numbers")
_CSV_HEADER = tables.write_header(_CSV_PROPERTIES)
# The links of a page that CSV has in a header.
_RELATIONS = {
    "first_page_uri": "first",
    "previous_page_uri": "prev",
    "next_page_uri": "next",
    "last_page_uri": "last",
}


class Look(NamedTuple):
    """How a list looks: what stands around its rows, and what gives the texts of some rows, and of
    one in parts as ``layouts.Layout`` does.
    """

    frame: Frame
    write: Callable
    write_in_parts: Callable | None
    media_type: str


def wants_csv():
    """Tell whether the request asks for the list as CSV."""
    return request.environ[SUFFIX] == CSV


def render_listing(resource: Resource, listing: Listing, selection: Selection, path: str) -> Reply:
    """Make the reply that lists the rows of a Listing, or the page that a Selection asks for.

    What is read as a single batch goes out whole, more is streamed, each batch as it is read. A
    fault then cuts the reply: nothing that would end it well is sent. ``path`` is the list's own,
    below the base path and without a suffix.
    """
    look = _look_in_csv() if wants_csv() else _look_of(resource, request.environ[FORMAT])
    if selection.page_size is None:
        return _reply(look, listing.batches())
    page = listing.page(selection)
    suffix = request.environ[SUFFIX]
    own_path = current_app.config["BASE_PATH"] + path + (f".{suffix}" if suffix else "")
    description = describe_page(selection, page, own_path)
    if not wants_csv():
        envelop = _in_json if request.environ[FORMAT] == JSON else _in_xml
        return _reply(envelop(look, resource.list_element, description), page.batches)
    reply = _reply(look, page.batches)
    links = {_RELATIONS[key]: uri for _, key, uri in description if key in _RELATIONS and uri}
    reply.headers["Link"] = ", ".join(f'<{uri}>; rel="{name}"' for name, uri in links.items())
    return reply


def _look_of(resource, reply_format):
    frame, layout = list_layout(resource, reply_format)
    return Look(frame, layout.write, layout.write_in_parts, MEDIA_TYPES[reply_format])


def _look_in_csv():
    site = current_app.extensions["site"]

    def write(rows):
        return [tables.write_rows(_CSV_PROPERTIES, rows, site)]

    return Look(Frame(_CSV_HEADER, "", "", _CSV_HEADER), write, None, MEDIA_TYPES[CSV])


def _reply(look, batches):
    first = next(batches)
    if first.is_last and first.lists is None:
        document = look.frame.put_around(look.write(first.rows))
    else:
        document = stream_with_context(_stream(look, chain([first], batches)))
    return Reply(document, content_type=look.media_type)


def _stream(look, batches):
    """Yield a document in pieces, as its batches are read."""
    before = look.frame.opening
    for batch in batches:
        for parts in _write_pieces(look, batch):
            for part in parts:
                yield before + part
                before = ""
            before = look.frame.between
    yield look.frame.empty if before is look.frame.opening else look.frame.closing


def _write_pieces(look, batch):
    """Yield the pieces of a batch, each as an iterable of its parts."""
    if batch.lists is not None:
        yield look.write_in_parts(batch.rows[0], batch.lists)
        return
    for start in range(0, len(batch.rows), PIECE):
        yield [look.frame.between.join(look.write(batch.rows[start : start + PIECE]))]


def _in_json(look, list_element, description):
    """Put the array into the object that describes the page."""
    told = json.dumps({key: value for _, key, value in description}, indent=2)
    beginning = ascii_json(told).removesuffix("\n}") + f',\n  "{list_element.lower()}": '
    opening, between, closing, empty = map(_indent, look.frame)
    frame = Frame(beginning + opening, between, f"{closing}\n}}", f"{beginning}{empty}\n}}")
    return look._replace(
        frame=frame,
        write=lambda rows: map(_indent, look.write(rows)),
        write_in_parts=lambda *row: map(_indent, look.write_in_parts(*row)),
    )


def _indent(text):
    # No text in JSON holds a line break of its own.
    return text.replace("\n", "\n  ")


def _in_xml(look, list_element, description):
    """Give the list's element, the first of its name, the attributes that describe the page."""
    texts = ((name, "" if value is None else str(value)) for name, _, value in description)
    attributes = "".join(f' {name}="{xml_text(text)}"' for name, text in texts)
    opening, empty = (
        text.replace(f"<{list_element}", f"<{list_element}{attributes}", 1)
        for text in (look.frame.opening, look.frame.empty)
    )
    return look._replace(frame=look.frame._replace(opening=opening, empty=empty))
