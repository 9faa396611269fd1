"""A WSGI wrapper that finds out where a request comes from: the client's address and scheme, and
the host that the client asked for.

What a trusted proxy says counts, what anybody else says is dropped: after this wrapper nothing
reads ``X-Forwarded-…``.
"""

import ipaddress

# The peer of a socket file has no address.
UNIX = "unix"

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


def read_networks(text):
    """Read addresses, networks and ``unix`` into a tuple. Raises ValueError."""
    return tuple(UNIX if part == UNIX else ipaddress.ip_network(part) for part in text.split())


def find_client(peer, forwarded_for, trusted):
    """Give the last address of the chain that is not a trusted proxy's, else its first.

    Each proxy appends whom it was called by, so what stands before an address that is not trusted
    may be forged. What is no address ends the chain.
    """
    client = peer
    for hop in reversed(forwarded_for.split(",")):
        address = _parse(hop.strip())
        if address is None:
            break
        client = str(address)
        if not is_trusted(client, trusted):
            break
    return client


def is_trusted(peer, trusted):
    """Tell whether an address, or "" for the peer of a socket file, is a trusted proxy's."""
    address = _parse(peer)
    if address is None:
        return peer == "" and UNIX in trusted
    return any(network != UNIX and address in network for network in trusted)


def _parse(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A listener on [::] sees IPv4 as ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address
