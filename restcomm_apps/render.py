"""Resources to replies: the only place that knows bytes and media types.

``properties`` says what a reply holds and in what order; this module says how it looks.
"""

import json
from pathlib import Path

from flask import Response, current_app, render_template, request
from markupsafe import Markup

from .escapes import ascii_json, xml_text
from .properties import ERROR, Listed, Nested
from .suffix import FORMAT, JSON, XML

# Exactly these: a client compares them, so no charset parameter.
_JSON_TYPE = "application/json"
_XML_TYPE = "application/xml"
_TEXT_TYPE = "text/plain"
MEDIA_TYPES = {JSON: _JSON_TYPE, XML: _XML_TYPE}

_PACKAGE = Path(__file__).resolve().parent


def find_templates():
    """Find the folder of templates: inside an installed package, beside it in a checkout."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


def finalize(value):
    """Escape what a template prints; the ``finalize`` of the application's Jinja environment."""
    return value if isinstance(value, Markup) else Markup(xml_text(value))


def render(resource, row, status=200):
    """Make the reply that shows one row of a resource."""
    if _wants_json():
        return _json_reply(_as_object(resource, row), status)
    return _xml_reply(resource.element, _as_elements(resource, row), status)


def render_list(resource, rows):
    """Make the reply that lists rows of a resource: a bare array, or a list element."""
    reply_format = request.environ[FORMAT]
    document = list_document(resource, rows, reply_format)
    return Response(document, content_type=MEDIA_TYPES[reply_format])


def list_document(resource, rows, reply_format):
    """Write the document that lists rows of a resource."""
    if reply_format == JSON:
        return _json_document([_as_object(resource, row) for row in rows])
    return _xml_document(resource.list_element, _as_list(resource, rows))


def render_error(error):
    """Make the reply that tells a RestcommError."""
    reply = render(ERROR, error, error.status)
    reply.headers.update(error.headers)
    return reply


def error_document(error, reply_format):
    """Give the media type and the bytes that tell an error outside any request."""
    return document(ERROR, error, reply_format)


def document(resource, row, reply_format):
    """Give the media type and the bytes that show one row of a resource."""
    if reply_format == JSON:
        return _JSON_TYPE, _json_document(_as_object(resource, row)).encode()
    return _XML_TYPE, _xml_document(resource.element, _as_elements(resource, row)).encode()


def render_nothing(status):
    """Make a reply without a body."""
    reply = Response(status=status)
    del reply.headers["Content-Type"]
    return reply


def render_text(text):
    """Make a reply of plain text, for URLs whose answer is one word."""
    return Response(text, content_type=_TEXT_TYPE)


def _wants_json():
    return request.environ[FORMAT] == JSON


def _json_reply(tree, status):
    return Response(_json_document(tree), status, content_type=_JSON_TYPE)


def _json_document(tree):
    return ascii_json(json.dumps(tree, indent=2, ensure_ascii=False))


def _xml_reply(name, content, status):
    return Response(_xml_document(name, content), status, content_type=_XML_TYPE)


def _xml_document(name, content):
    return render_template("response.xml", name=name, content=content)


def _as_object(resource, row):
    """Turn a row into a dict of JSON values, without those that are None."""
    site = current_app.extensions["site"]
    pairs = ((p.json, p.read(row, site)) for p in resource.properties if p.json)
    return {key: _json_value(value) for key, value in pairs if value is not None}


def _json_value(value):
    if isinstance(value, Nested):
        return _as_object(value.resource, value.row)
    if isinstance(value, Listed):
        return [_as_object(value.resource, row) for row in value.rows]
    return value


def _as_elements(resource, row):
    """Turn a row into a list of (element name, text or such a list), without those None."""
    site = current_app.extensions["site"]
    pairs = ((p.xml, p.read(row, site)) for p in resource.properties if p.xml)
    return [(name, _xml_content(value)) for name, value in pairs if value is not None]


def _xml_content(value):
    if isinstance(value, Nested):
        return _as_elements(value.resource, value.row)
    if isinstance(value, Listed):
        return _as_list(value.resource, value.rows)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _as_list(resource, rows):
    return [(resource.element, _as_elements(resource, row)) for row in rows]
