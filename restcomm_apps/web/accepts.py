"""Which bodies a view takes; what they hold is for the view."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Request, request

from .replies import Reply

View = Callable[..., Reply]


def accepts(check_media_type: Callable[[Request], None]) -> Callable[[View], View]:
    """Check a request's media type before its view is called; a decorator.

    It stands above ``authorize``: a body that nobody reads is refused before anything is said of
    accounts. ``check_media_type`` raises UnsupportedMediaType (415).
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def accepted(**arguments: Any) -> Reply:
            check_media_type(request)
            return view(**arguments)

        return accepted

    return decorate
