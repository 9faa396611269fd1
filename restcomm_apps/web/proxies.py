"""A WSGI wrapper that finds out where a request comes from: the client's address and scheme, and
the host that the client asked for.

What a trusted proxy says counts, what anybody else says is dropped: after this wrapper nothing
reads ``X-Forwarded-…``.
"""

from restcomm_apps.domain.networks import find_client, is_trusted

_FOR, _PROTO = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"
_HOST = "HTTP_X_FORWARDED_HOST"


class ProxyMiddleware:
    """Wrap a WSGI application; ``trusted`` is what ``read_networks`` gives."""

    def __init__(self, wsgi_app, trusted):
        self.wsgi_app = wsgi_app
        self.trusted = trusted

    def __call__(self, environ, start_response):
        forwarded_for = environ.pop(_FOR, "")
        scheme = environ.pop(_PROTO, None)
        # Each proxy appends the Host it was sent; what stands before the last may be forged.
        host = environ.pop(_HOST, "").rpartition(",")[2].strip()
        peer = environ.get("REMOTE_ADDR", "")
        if self.trusted and is_trusted(peer, self.trusted):
            environ["REMOTE_ADDR"] = find_client(peer, forwarded_for, self.trusted)
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
            if host:
                environ["HTTP_HOST"] = host
        return self.wsgi_app(environ, start_response)
