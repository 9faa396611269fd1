"""Which requests a browser says that a web page of another site made.

A browser sends the credentials it knows along with a form of any page; what it tells of that page
no script can change. Other clients tell nothing of the kind. Source: the Fetch standard, sections
"Origin header" and "CORS protocol"; Fetch Metadata Request Headers, section "Sec-Fetch-Site".
"""

import re

from werkzeug import Request

from restcomm_apps.errors import ForeignPage

# Source: RFC 9110, section 9.2.1.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_PAGE = ("same-origin", "none")
_DEFAULT_PORTS = {"http": "80", "https": "443"}

# No list of several, no path and no user: what has them is nobody's origin and nobody's host.
_HOST = r"(\[[0-9a-f:.]+\]|[^][\s/?#\\@:,]+)(?::([0-9]{0,5}))?"
_HOST_AND_PORT = re.compile(_HOST, re.IGNORECASE)
_ORIGIN = re.compile(f"(https?)://{_HOST}", re.IGNORECASE)

_LONGEST_LOGGED_ORIGIN = 100


def require_own_page(request: Request, welcome: frozenset[str]) -> None:
    """Raise ForeignPage (403) for a change that a page of another site asks for.

    ``welcome`` are the origins of other sites that may: the setting CORS_ORIGINS.
    """
    if request.method in SAFE_METHODS:
        return
    origin = request.environ.get("HTTP_ORIGIN")
    if origin not in welcome and is_of_another_site(request):
        shown = ascii((origin or "")[:_LONGEST_LOGGED_ORIGIN])
        raise ForeignPage(reason=f"a page of another site, origin {shown}")


def is_of_another_site(request: Request) -> bool:
    """Return whether a browser says that a page of another site made the request."""
    site = request.environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site not in _OWN_PAGE
    # Over plain HTTP browsers do not send it, older ones never.
    origin = request.environ.get("HTTP_ORIGIN")
    return origin is not None and not _is_own(origin, request.environ.get("HTTP_HOST", ""))


def is_host(text: str) -> bool:
    """Return whether a text can stand in a URL as a host, with a port or not."""
    return text.isascii() and _HOST_AND_PORT.fullmatch(text) is not None


def _is_own(origin, host):
    """Return whether an origin has the request's host and port, whatever its scheme.

    A proxy may speak TLS in the service's place, so of a host without a port the port is that of
    the origin's scheme.
    """
    parts = _ORIGIN.fullmatch(origin)
    own = _HOST_AND_PORT.fullmatch(host)
    if parts is None or own is None:
        return False
    default = _DEFAULT_PORTS[parts[1].lower()]
    return _normal(parts[2], parts[3], default) == _normal(own[1], own[2], default)


def _normal(host, port, default):
    return host.lower(), int(port or default)
