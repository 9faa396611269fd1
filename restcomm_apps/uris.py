"""Which texts are URIs to java.net.URI, and so could be read back by a Restcomm.

Source: legacy/uri_cases.json, measured on OpenJDK 17; RFC 2396 with RFC 2732's brackets and
Java's "other" characters.
"""

import ipaddress
import re
import unicodedata

_ESCAPED = r"%[0-9A-Fa-f]{2}"
_UNRESERVED = r"a-zA-Z0-9_\-!.~'()*"
_PATH = re.compile(rf"(?:[{_UNRESERVED}:@&=+$,;/]|{_ESCAPED})*")
_QUERY = re.compile(rf"(?:[{_UNRESERVED};/?:@&=+$,\[\]]|{_ESCAPED})*")
_AUTHORITY = re.compile(rf"(?:[{_UNRESERVED}$,;:@&=+]|{_ESCAPED})+")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%[0-9A-Za-z_.]+)?\]")
_USER_INFO = re.compile(rf"(?:[{_UNRESERVED};:&=+$,]|{_ESCAPED})*")
_PORT = re.compile(r":[0-9]*$")
_PARTS = re.compile(r"(?:(//)([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_WEB_SCHEME = re.compile(r"https?:", re.IGNORECASE)


def is_web_reference(text):
    """Tell whether a text is an http or https URL with a host, or a reference starting with "/".

    What java.net.URI refuses is refused here.
    """
    scheme = _WEB_SCHEME.match(text)
    rest = text[scheme.end() :] if scheme else text
    slashes, authority, path, query, fragment = _PARTS.fullmatch(rest).groups()
    if not scheme and not rest.startswith("/"):
        return False
    if scheme and not _host_of(authority or ""):
        return False
    if authority and not _is_authority(authority):
        return False
    if slashes and not authority and rest == "//":
        return False
    return _fits(path, _PATH) and _fits(query, _QUERY) and _fits(fragment, _QUERY)


def _fits(part, pattern):
    """Match a part against a pattern of ASCII; Java's "other" characters are legal everywhere."""
    ascii_part = "".join("x" if ord(c) > 0x9F and _is_other(c) else c for c in part or "")
    return pattern.fullmatch(ascii_part) is not None


def _is_other(character):
    return unicodedata.category(character) not in ("Zs", "Zl", "Zp")


def _host_of(authority):
    return _PORT.sub("", authority.rpartition("@")[2])


def _is_authority(authority):
    bracketed = _BRACKETED.fullmatch(_host_of(authority))
    if bracketed is None:
        return _fits(authority, _AUTHORITY)
    try:
        ipaddress.IPv6Address(bracketed[1])
    except ValueError:
        return False
    return _fits(authority.rpartition("@")[0], _USER_INFO)
