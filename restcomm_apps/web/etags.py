"""Conditional requests: a tag for each state of a resource, and what a client makes depend on it.

A tag is made of the reply's bytes, so it changes with anything that a client can see, within the
second too. It differs between the formats.
"""

import hashlib

from flask import request
from peewee import Model

from restcomm_apps.errors import PreconditionFailed
from restcomm_apps.formats.media_types import DOCUMENTS
from restcomm_apps.formats.resource import Resource

from .replies import Reply, document, render_nothing


def tag_state(reply: Reply) -> Reply:
    """Add to the reply that shows one resource its strong tag; return 304 if the tag is known."""
    return _tag(reply, f'"{_digest(reply.get_data())}"')


def tag_list(reply: Reply) -> Reply:
    """Add to a list's reply its weak tag, as it may be compressed; return 304 if the tag is known.

    What is streamed gets none: its bytes are not known yet.
    """
    if reply.is_streamed:
        return reply
    return _tag(reply, f'W/"{_digest(reply.get_data())}"')


def _tag(reply, tag):
    # Parsed where it is sent only: most clients do not send it.
    if "HTTP_IF_NONE_MATCH" in request.environ and request.method in ("GET", "HEAD"):
        opaque = tag.removeprefix("W/").strip('"')
        if request.if_none_match.contains_weak(opaque):
            reply = render_nothing(304)
    reply.headers.add("ETag", tag)
    return reply


def require_expected_state(resource: Resource, row: Model) -> None:
    """Raise PreconditionFailed (412) where a write's If-Match or If-None-Match forbids it.

    To be called in the write's transaction. Tags of either format stand for the state.
    """
    if "If-Match" not in request.headers and "If-None-Match" not in request.headers:
        return
    tags = {_digest(document(resource, row, form)[1]) for form in DOCUMENTS}
    if "If-Match" in request.headers and not any(map(request.if_match.contains, tags)):
        raise PreconditionFailed()
    if any(map(request.if_none_match.contains_weak, tags)):
        raise PreconditionFailed()


def _digest(body):
    return hashlib.blake2b(body, digest_size=16).hexdigest()
