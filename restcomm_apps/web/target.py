"""A WSGI wrapper that reads the request's target before routing.

It decides the reply's format once, from the path's suffixes and Accept, notes which suffix
counted, for links that keep it, and brings the path to the one form that the routes know: no
suffix, no path parameter (";a=b"), no extra slash. It answers nothing itself: a target that is no
URI is noted in the environ for the application.
"""

import re

from restcomm_apps.formats.media_types import CSV, JSON, XML

FORMAT = "restcomm_apps.format"
SUFFIX = "restcomm_apps.web.target"
MALFORMED = "restcomm_apps.malformed"

# "csv" is a suffix of these segments only, so that an application's name with it stays unknown. It
# chooses how the list is written; errors come as if it were not there.
_LISTS_IN_CSV = ("Applications",)

_NOT_IN_A_TARGET = re.compile(r"[^\x21-\x7e]|[\"#<>\\^`{|}]")
_ENCODED_SLASH = re.compile(r"%2f|%5c", re.IGNORECASE)


class SuffixMiddleware:
    """Wrap a WSGI application; see the module."""

    def __init__(self, wsgi_app):
        self.wsgi_app = wsgi_app

    def __call__(self, environ, start_response):
        path, suffixes = strip_suffixes(environ["PATH_INFO"])
        environ["PATH_INFO"] = path
        environ[SUFFIX] = next((each for each in (JSON, XML, CSV) if each in suffixes), None)
        environ[FORMAT] = choose_format(suffixes, environ.get("HTTP_ACCEPT", ""))
        environ[MALFORMED] = find_malformation(environ)
        return self.wsgi_app(environ, start_response)


def strip_suffixes(path):
    """Split a path into its normal form and the set of format suffixes it carried.

    ``/Applications.json//AP1;a=b/`` gives ``/Applications/AP1`` and ``{"json"}``. One suffix a
    segment is taken off, so ``x.json.json`` stays an unknown name.
    """
    segments, suffixes = [], set()
    for segment in path.split("/"):
        segment = segment.partition(";")[0]
        name, dot, suffix = segment.rpartition(".")
        if dot and (suffix in (JSON, XML) or (suffix == CSV and name in _LISTS_IN_CSV)):
            suffixes.add(suffix)
            segment = name
        if segment:
            segments.append(segment)
    return "/" + "/".join(segments), suffixes


def choose_format(suffixes, accept):
    """Choose ``JSON`` or ``XML``: a suffix first, JSON before XML, then "json" in Accept."""
    if JSON in suffixes:
        return JSON
    if XML not in suffixes and JSON in accept:
        return JSON
    return XML


def find_malformation(environ):
    """Say in a sentence what is wrong with the request's target, or return None.

    Source: legacy/exchanges.json, the original's container refused the same with 400.
    """
    target = environ.get("RAW_URI", "")
    if _NOT_IN_A_TARGET.search(target):
        return "The request target holds a character that a URI must percent-encode"
    if _ENCODED_SLASH.search(target.partition("?")[0]):
        return "The path must not hold an encoded slash"
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and "HTTP_HOST" not in environ:
        return "The Host header is required"
    return None
