"""Which texts are URIs to java.net.URI, and so could be read back by a Restcomm; and for others,
which character is the reason.

Source: legacy/uri_cases.json, measured on OpenJDK 17; RFC 2396 with RFC 2732's brackets and
Java's "other" characters.
"""

import ipaddress
import re
import unicodedata
from typing import cast
from urllib.parse import quote

_ESCAPED = r"%[0-9A-Fa-f]{2}"
_UNRESERVED = r"a-zA-Z0-9_\-!.~'()*"
# What may stand in each part, of which the beginning that fits is matched.
_PATH = re.compile(rf"(?:[{_UNRESERVED}:@&=+$,;/]|{_ESCAPED})*")
_QUERY = re.compile(rf"(?:[{_UNRESERVED};/?:@&=+$,\[\]]|{_ESCAPED})*")
_AUTHORITY = re.compile(rf"(?:[{_UNRESERVED}$,;:@&=+]|{_ESCAPED})*")
_USER_INFO = re.compile(rf"(?:[{_UNRESERVED};:&=+$,]|{_ESCAPED})*")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%[0-9A-Za-z_.]+)?\]")
# A host, and a port behind it; the colons of an IPv6 address stand in brackets.
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", re.DOTALL)
_PORT = re.compile(r"0*([1-9][0-9]{0,4})")
_HIGHEST_PORT = 65535
_PARTS = re.compile(
    r"(?P<scheme>https?:)?(?:(?P<slashes>//)(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL | re.IGNORECASE,
)

_WEB_RULE = "be an http or https URL, or a reference starting with /"
_ADDRESS_RULE = "have an IPv6 address between brackets, and behind them at most a port"
_PORT_RULE = f"have a port from 1 to {_HIGHEST_PORT}, if any"


def broken_rule(text: str) -> str | None:
    """Return the rule that a text breaks, reading on from "must"; None if it breaks none.

    It must be an http or https URL with a host, or a reference starting with "/". What
    java.net.URI refuses is refused here; characters are counted from 1.
    """
    parts = _certain(_PARTS.fullmatch(text))
    place = (parts["authority"] or "").rpartition("@")[2]
    host, port = _certain(_HOST_AND_PORT.fullmatch(place)).groups()
    if (parts["scheme"] and not host) or (not parts["scheme"] and not text.startswith("/")):
        return _WEB_RULE
    if text == "//":
        return _WEB_RULE
    return (
        _rule_of_authority(parts, host)
        or _rule_of_port(port)
        or _rule_of_characters(parts, "path", _PATH)
        or _rule_of_characters(parts, "query", _QUERY)
        or _rule_of_characters(parts, "fragment", _QUERY)
    )


def _certain(match: re.Match[str] | None) -> re.Match[str]:
    """Return the match of a pattern that matches every text."""
    return cast("re.Match[str]", match)


def _rule_of_authority(parts: re.Match[str], host: str) -> str | None:
    if not host.startswith("["):
        return _rule_of_characters(parts, "authority", _AUTHORITY)
    bracketed = _BRACKETED.fullmatch(host)
    try:
        ipaddress.IPv6Address(bracketed[1] if bracketed else host)
    except ValueError:
        return _ADDRESS_RULE
    user_info = parts["authority"].rpartition("@")[0]
    fits = _USER_INFO.fullmatch(_in_ascii(user_info))
    return None if fits else _rule_of_characters(parts, "authority", _USER_INFO)


def _rule_of_port(port: str | None) -> str | None:
    if not port:  # A colon alone is none to java.net.URI.
        return None
    number = _PORT.fullmatch(port)
    return None if number and int(number[1]) <= _HIGHEST_PORT else _PORT_RULE


def _rule_of_characters(parts: re.Match[str], name: str, pattern: re.Pattern[str]) -> str | None:
    """Return the rule that a part breaks with its first character that it cannot hold."""
    part = parts[name] or ""
    place = _certain(pattern.match(_in_ascii(part))).end()
    if place == len(part):
        return None
    character, number = part[place], parts.start(name) + place + 1
    if character == "%":
        return f'have two hex digits after "%" at character {number}'
    code = f"U+{ord(character):04X}"
    shown = f'"{character}" ({code})' if character.isascii() and character.isprintable() else code
    return f"not hold {shown} at character {number}; a URL has {quote(character, '')} for it"


def _in_ascii(part: str) -> str:
    """Write a letter for Java's "other" characters, which are legal everywhere."""
    if part.isascii():
        return part
    return "".join("x" if ord(c) > 0x9F and _is_other(c) else c for c in part)


def _is_other(character: str) -> bool:
    return unicodedata.category(character) not in ("Zs", "Zl", "Zp")
