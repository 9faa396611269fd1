"""Where a request comes from: the client's address and scheme, and the host it asked for.

What a trusted proxy says counts, what anybody else says is dropped: once it has been read here,
nothing reads ``X-Forwarded-…``.
"""

from typing import Any

from restcomm_apps.domain.networks import Network, find_client, is_trusted

_FOR, _PROTO = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"
_HOST = "HTTP_X_FORWARDED_HOST"


def believe_proxies(environ: dict[str, Any], trusted: tuple[Network, ...]) -> None:
    """Put what a trusted proxy says in the place of what the server knows."""
    forwarded_for = environ.pop(_FOR, "")
    scheme = environ.pop(_PROTO, None)
    # Each proxy appends the Host it was sent; what stands before the last may be forged.
    host = environ.pop(_HOST, "").rpartition(",")[2].strip()
    peer = environ.get("REMOTE_ADDR", "")
    if trusted and is_trusted(peer, trusted):
        environ["REMOTE_ADDR"] = find_client(peer, forwarded_for, trusted)
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        if host:
            environ["HTTP_HOST"] = host
