"""Lists of any resource as replies: whole, streamed or a page, in each format.

How a row looks is the business of ``formats``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from functools import partial
from itertools import chain
from typing import NamedTuple

from flask import current_app, request

from restcomm_apps.formats.csv_table import write_header, write_rows
from restcomm_apps.formats.layout import Frame, Layout
from restcomm_apps.formats.media_types import CSV, MEDIA_TYPES
from restcomm_apps.formats.resource import Resource
from restcomm_apps.resources.applications.representation import APPLICATION
from restcomm_apps.resources.listings import Batch, Listing, M
from restcomm_apps.resources.selection import Selection

from .page_links import describe_page, links_of
from .replies import Reply, list_layout, page_layout
from .target import FORMAT, SUFFIX

# Rows that are sent at once of a list that is streamed.
PIECE = 100
# All but the numbers, which are a list of their own.
_CSV_PROPERTIES = [
    shown for shown in APPLICATION.properties if shown.xml and shown.xml != "Numbers"
]
_CSV_HEADER = write_header(_CSV_PROPERTIES)
# The links of a page that CSV has in a header.
_RELATIONS = ("first", "prev", "next", "last")


class Look(NamedTuple):
    """How a list looks: what stands around its rows, and what writes the texts of some rows, and
    of one in parts as a Layout does.
    """

    frame: Frame
    write: Callable[[Sequence[object]], Iterable[str]]
    write_in_parts: Callable[[object, Iterable[Sequence[object]]], Iterable[str]] | None
    media_type: str


def wants_csv() -> bool:
    """Return whether the request asks for the list as CSV."""
    return bool(request.environ[SUFFIX] == CSV)


def render_listing(
    resource: Resource, listing: Listing[M], selection: Selection, path: str
) -> Reply:
    """Make the reply that lists the rows of a Listing, or the page that a Selection asks for.

    What is read as a single batch goes out whole, more is streamed, each batch as it is read. A
    fault then cuts the reply: nothing that would end it well is sent. ``path`` is the list's own,
    below the base path and without a suffix.
    """
    if selection.part is None:
        look = _look_in_csv() if wants_csv() else _look_of(*list_layout(resource, _format()))
        return _reply(look, listing.batches())
    page = listing.page(selection.part)
    suffix = request.environ[SUFFIX]
    own_path = current_app.config["BASE_PATH"] + path + (f".{suffix}" if suffix else "")
    links = links_of(page, selection.kept, own_path)
    if wants_csv():
        reply = _reply(_look_in_csv(), page.batches)
        reply.headers["Link"] = ", ".join(
            f'<{links[name]}>; rel="{name}"' for name in _RELATIONS if links[name]
        )
        return reply
    description = describe_page(page, links)
    return _reply(_look_of(*page_layout(resource, _format(), description)), page.batches)


def _format() -> str:
    reply_format: str = request.environ[FORMAT]
    return reply_format


def _look_of(frame: Frame, layout: Layout) -> Look:
    return Look(frame, layout.write, layout.write_in_parts, MEDIA_TYPES[_format()])


def _look_in_csv() -> Look:
    return Look(Frame(_CSV_HEADER, "", "", _CSV_HEADER), _write_csv, None, MEDIA_TYPES[CSV])


def _write_csv(rows: Sequence[object]) -> list[str]:
    return [write_rows(_CSV_PROPERTIES, rows, current_app.extensions["site"])]


def _reply(look: Look, batches: Iterator[Batch]) -> Reply:
    first = next(batches)
    if first.is_last and first.lists is None:
        document: str | Iterator[str] = look.frame.put_around(look.write(first.rows))
    else:
        document = _in_this_context(_stream(look, chain([first], batches)))
    return Reply(document, content_type=look.media_type)


def _in_this_context(pieces: Iterator[str]) -> Iterator[str]:
    """Have each piece made in the context of the request: its store is the current one there.

    A server asks for them when the request has ended, and in turn with those of other applications.
    """
    return iter(partial(copy_context().run, next, pieces, None), None)


def _stream(look: Look, batches: Iterable[Batch]) -> Iterator[str]:
    """Yield a document in pieces, as its batches are read."""
    before = look.frame.opening
    for batch in batches:
        for parts in _write_pieces(look, batch):
            for part in parts:
                yield before + part
                before = ""
            before = look.frame.between
    yield look.frame.empty if before is look.frame.opening else look.frame.closing


def _write_pieces(look: Look, batch: Batch) -> Iterator[Iterable[str]]:
    """Yield the pieces of a batch, each as an iterable of its parts."""
    if batch.lists is not None and look.write_in_parts is not None:
        yield look.write_in_parts(batch.rows[0], batch.lists)
        return
    for start in range(0, len(batch.rows), PIECE):
        yield [look.frame.between.join(look.write(batch.rows[start : start + PIECE]))]
