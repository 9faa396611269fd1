"""The links that replies hand out: whoever gets one can follow it."""

import json
import re
from html import unescape
from urllib.parse import urlsplit, urlunsplit

_IN_HEADER = re.compile(r"<([^<>]*)>")
# In the object and in the element that describe a page; no text of a row stands before them.
_IN_JSON = re.compile(rb'"\w+_page_uri": ("/(?:[^"\\]|\\.)*")')
_IN_XML = re.compile(rb' \w+pageuri="([^"]+)"')
_DESCRIPTION = 8000
# What a link is followed with: who calls, and where to.
_KEPT = ("authorization", "host", "x-forwarded-proto", "x-forwarded-for")


def links_of(headers, body):
    """List the links of a reply: of its header Link, and those to other pages."""
    links = _IN_HEADER.findall(headers.get("Link", ""))
    description = body[:_DESCRIPTION]
    if body.startswith(b"{"):
        links += [json.loads(text) for text in _IN_JSON.findall(description)]
    elif body.startswith(b"<RestcommResponse>\n  <") and b"pageuri=" in description:
        element = description.partition(b">\n")[2].partition(b">")[0]
        links += [unescape(text.decode()) for text in _IN_XML.findall(element)]
    return links


def check_links(followed, host, headers, body, get):
    """Assert that the links of a reply are of this host and answered with 200.

    ``get(path)`` follows one as the same caller and gives the status; ``followed`` is the set of
    those that need no second look.
    """
    for link in links_of(headers, body):
        if link in followed:
            continue
        followed.add(link)
        parts = urlsplit(link)
        assert parts.netloc in ("", host), f"{link} was handed out at {host}"
        status = get(urlunsplit(("", "", parts.path, parts.query, "")))
        assert status == 200, f"{link} was handed out and is answered with {status}"


def headers_to_follow(headers):
    """Give those headers of a request with which its reply's links are followed."""
    return {name: text for name, text in dict(headers).items() if name.lower() in _KEPT}
