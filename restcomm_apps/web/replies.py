"""Resources to replies: the only place that knows bytes and media types, and how errors look.

What a reply holds and in what order is said beside each noun (``representation``), how that looks
as text in ``formats``.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from flask import Response, current_app, request
from markupsafe import Markup

from restcomm_apps.errors import RestcommError
from restcomm_apps.formats.documents import Documents
from restcomm_apps.formats.escapes import xml_text
from restcomm_apps.formats.layout import Frame, Layout, PageProperty
from restcomm_apps.formats.media_types import MEDIA_TYPES
from restcomm_apps.formats.resource import BARE, Property, Resource, column, number
from restcomm_apps.store.pauses import Pace

from .target import FORMAT

_TEXT_TYPE = "text/plain"

_PACKAGE = Path(__file__).resolve().parents[1]

ERROR = Resource(
    "RestException",
    "",
    (
        Property("Status", "status", number("status"), BARE),
        Property("Code", "code", number("code"), BARE),
        Property("Message", "message", column("message")),
        Property("MoreInfo", "more_info", column("more_info")),
    ),
)


class Reply(Response):
    """A reply; ``beside`` are the headers that go with it whatever its view made of it."""

    beside: Sequence[tuple[str, str]] = ()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Send it; a whole body as it is: its length is known, and no header is a relative URL."""
        if self.status_code == 200 and type(self.response) is list and self.response:
            start_response(self.status, [*self.headers, *self.beside])
            return self.response if environ["REQUEST_METHOD"] != "HEAD" else ()
        body, status, headers = self.get_wsgi_response(environ)
        start_response(status, [*headers, *self.beside])
        return body


def find_templates() -> Path:
    """Find the folder of templates: inside an installed package, beside it in a checkout."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


def finalize(value: str) -> Markup:
    """Escape what a template prints; the ``finalize`` of the application's Jinja environment."""
    return value if isinstance(value, Markup) else Markup(xml_text(value))


def render(resource: Resource, row: object, status: int = 200) -> Reply:
    """Make the reply that shows one row of a resource."""
    reply_format = request.environ[FORMAT]
    return _reply(_documents().write_one(resource, row, reply_format), reply_format, status)


def render_in_parts(resource: Resource, row: object, lists: Iterable[Sequence[object]]) -> Reply:
    """Make the reply that shows one row with the rows of ``lists`` in its last property.

    Others have a turn between two parts; see ``Layout.write_in_parts``.
    """
    reply_format = request.environ[FORMAT]
    parts, pace = [], Pace()
    for part in _documents().write_in_parts(resource, row, lists, reply_format):
        parts.append(part)
        pace.give_way()
    return _reply("".join(parts), reply_format)


def list_layout(resource: Resource, reply_format: str) -> tuple[Frame, Layout]:
    """Return the Frame and the Layout of a document that lists rows of a resource."""
    return _documents().of_list(resource, reply_format)


def page_layout(
    resource: Resource, reply_format: str, description: Sequence[PageProperty]
) -> tuple[Frame, Layout]:
    """Return the Frame and the Layout of a document that shows a page of a resource's list."""
    return _documents().of_page(resource, reply_format, description)


def render_error(error: RestcommError) -> Reply:
    """Make the reply that shows an error."""
    reply = render(ERROR, error, error.status)
    reply.headers.update(error.headers)
    return reply


def error_document(error: RestcommError, reply_format: str) -> tuple[str, bytes]:
    """Return the media type and the bytes that show an error outside any request."""
    return document(ERROR, error, reply_format)


def document(resource: Resource, row: object, reply_format: str) -> tuple[str, bytes]:
    """Return the media type and the bytes that show one row of a resource."""
    return MEDIA_TYPES[reply_format], _documents().write_one(resource, row, reply_format).encode()


def render_nothing(status: int) -> Reply:
    """Make a reply without a body."""
    reply = Reply(status=status)
    del reply.headers["Content-Type"]
    return reply


def render_text(text: str) -> Reply:
    """Make a reply of plain text, for URLs whose answer is one word."""
    return Reply(text, content_type=_TEXT_TYPE)


def _reply(document: str, reply_format: str, status: int = 200) -> Reply:
    return Reply(document, status, content_type=MEDIA_TYPES[reply_format])


def _documents() -> Documents:
    """Return the documents of the application, made from its template and site."""
    extensions = current_app.extensions
    if "documents" not in extensions:
        template = current_app.jinja_env.get_template("response.xml")
        extensions["documents"] = Documents(template, extensions["site"])
    documents: Documents = extensions["documents"]
    return documents
