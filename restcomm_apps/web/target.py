"""The request's target, read before routing.

The reply's format is decided once, from the path's suffixes and Accept; which suffix counted is
noted, for links that keep it; and the path is brought to the one form that the routes know: no
suffix, no path parameter (";a=b"), no extra slash. Nothing is answered here: a target that is no
URI is noted in the environ.
"""

import re
from typing import Any

from restcomm_apps.formats.media_types import CSV, JSON, XML

FORMAT = "restcomm_apps.format"
SUFFIX = "restcomm_apps.suffix"
MALFORMED = "restcomm_apps.malformed"

# "csv" is a suffix of these segments only, where they are the last, so that an application's name
# with it stays unknown. It chooses how the list is written; errors come as if it were not there.
_LISTS_IN_CSV = ("Applications",)

# All of ASCII that is printable but the space and "#<>\\^`{|}.
_TARGET = re.compile(r"[!$-;=?-\[\]_a-z~]*")
_ENCODED_SLASH = re.compile(r"%2f|%5c", re.IGNORECASE)


def read_target(environ: dict[str, Any]) -> None:
    """Note the format, the suffix and a malformation, and bring the path to its normal form."""
    path, suffixes = strip_suffixes(environ["PATH_INFO"])
    environ["PATH_INFO"] = path
    environ[SUFFIX] = next(filter(suffixes.__contains__, (JSON, XML, CSV)), None)
    environ[FORMAT] = choose_format(suffixes, environ.get("HTTP_ACCEPT", ""))
    environ[MALFORMED] = find_malformation(environ)


def strip_suffixes(path: str) -> tuple[str, set[str]]:
    """Split a path into its normal form and the set of format suffixes it carried.

    ``/Applications.json//AP1;a=b/`` gives ``/Applications/AP1`` and ``{"json"}``. One suffix a
    segment is taken off, so ``x.json.json`` stays an unknown name.
    """
    suffixes: set[str] = set()
    segments = [_strip_suffix(segment, suffixes) for segment in path.split("/")]
    segments = list(filter(None, segments))
    if CSV in suffixes and segments[-1] not in _LISTS_IN_CSV:
        suffixes.remove(CSV)
    return "/" + "/".join(segments), suffixes


def _strip_suffix(segment, suffixes):
    if "." not in segment and ";" not in segment:
        return segment
    segment = segment.partition(";")[0]
    name, dot, suffix = segment.rpartition(".")
    if dot and (suffix in (JSON, XML) or (suffix == CSV and name in _LISTS_IN_CSV)):
        suffixes.add(suffix)
        return name
    return segment


def choose_format(suffixes: set[str], accept: str) -> str:
    """Choose ``JSON`` or ``XML``: a suffix first, JSON before XML, then "json" in Accept."""
    if JSON in suffixes:
        return JSON
    if XML not in suffixes and JSON in accept:
        return JSON
    return XML


def find_malformation(environ: dict[str, Any]) -> str | None:
    """Return a sentence on what is wrong with the request's target, or None.

    Source: legacy/exchanges.json, the original's container refused the same with 400.
    """
    target = environ.get("RAW_URI", "")
    if not _TARGET.fullmatch(target):
        return "The request target holds a character that a URI must percent-encode"
    if "%" in target and _ENCODED_SLASH.search(target.partition("?")[0]):
        return "The path must not hold an encoded slash"
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and "HTTP_HOST" not in environ:
        return "The Host header is required"
    return None
