"""What gunicorn's own parser makes of a stream of requests."""

from typing import NamedTuple

from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http.errors import NoMoreData, ParseException


def parser_settings():
    """What ``serve`` sets of what the parser looks at."""
    config = Config()
    config.set("limit_request_line", 8190)
    config.set("forwarded_allow_ips", "")
    config.set("secure_scheme_headers", {})
    config.set("forwarder_headers", "")
    return config


CONFIG = parser_settings()


class Understood(NamedTuple):
    """A request as the parser reads it; ``is_broken`` says that its body cannot be read to an end,
    ``body`` what can.
    """

    method: str
    target: str
    request_id: str | None
    body: bytes
    is_broken: bool


def understand(pieces):
    """Give what gunicorn's parser reads: Understood requests, and whether it then refuses one."""
    parser = get_parser(CONFIG, iter(pieces), ("127.0.0.1", 1))
    requests = []
    while not requests or not requests[-1].is_broken:
        try:
            request = next(parser)
        except (StopIteration, NoMoreData):
            return requests, False
        except ParseException:
            return requests, True
        ids = [text for name, text in request.headers if name == "X-REQUEST-ID"]
        told = (request.method, request.uri, ",".join(ids) or None)
        requests.append(Understood(*told, *read_body(request.body)))
    return requests, False


def read_body(body):
    """Read a body as far as it goes; give its octets and whether it is broken."""
    octets = b""
    try:
        while piece := body.read(64):
            octets += piece
    except (ParseException, NoMoreData):
        return octets, True
    return octets, False
