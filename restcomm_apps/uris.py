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
_BRACKETED = re.compile(rf"(?:(?:[{_UNRESERVED};:&=+$,]|{_ESCAPED})*@)?\[([^\]]*)\](?::[0-9]*)?")
_PARTS = re.compile(r"(?:(//)([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_WEB_SCHEME = re.compile(r"https?:", re.IGNORECASE)


def is_web_reference(text):
    """Tell whether a text is an http or https URL with a host, or a reference starting with "/".

    What java.net.URI refuses is refused here.
    """
    scheme = _WEB_SCHEME.match(text)
    rest = text[scheme.end() :] if scheme else text
    slashes, authority, path, query, fragment = _PARTS.fullmatch(_without_other(rest)).groups()
    if scheme and not authority:
        return False
    if not scheme and not rest.startswith("/"):
        return False
    if authority and not _is_authority(authority):
        return False
    if slashes and not authority and rest == "//":
        return False
    return (
        _PATH.fullmatch(path) is not None
        and _QUERY.fullmatch(query or "") is not None
        and _QUERY.fullmatch(fragment or "") is not None
    )


def _without_other(text):
    """Replace Java's "other" characters, legal everywhere, by a letter."""
    return "".join("x" if ord(c) > 0x9F and _is_other(c) else c for c in text)


def _is_other(character):
    return unicodedata.category(character) not in ("Zs", "Zl", "Zp")


def _is_authority(authority):
    bracketed = _BRACKETED.fullmatch(authority)
    if bracketed is None:
        return _AUTHORITY.fullmatch(authority) is not None
    try:
        ipaddress.IPv6Address(bracketed[1])
    except ValueError:
        return False
    return True
