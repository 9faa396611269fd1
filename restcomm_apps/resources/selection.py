"""Which part of a list a request asks for, and what a page tells of the whole.

The only place that knows how the parameters of a list and the properties of a page are spelled.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from restcomm_apps.domain.sids import is_sid
from restcomm_apps.domain.vocabulary import KINDS
from restcomm_apps.errors import InvalidParameter

DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE_SIZE = 1000
_ORDERS = {
    "DateCreated": "date_created",
    "DateUpdated": "date_updated",
    "FriendlyName": "friendly_name",
}
_PAGING, _AFTER = ("Page", "PageSize"), "AfterSid"
_NUMBER = re.compile("[0-9]{1,9}")
_SORT_RULE = f"be {', '.join(_ORDERS)}, each alone or with :asc or :desc"


class Selection(NamedTuple):
    """What a list shows, in which order, and which part of it.

    ``friendly_name`` is exact, ``beginning`` is how names begin; None does not filter. ``sort_by``
    is a column. Without ``page_size`` the whole list is asked for. ``page`` counts from 0; it is
    None where only ``after_sid`` says where the page begins. ``after_key`` are the values of that
    row in the order's columns but its sid, as texts, or empty. ``kept`` is what the links of a page
    keep of the request, [(parameter, text)]: what was read, as it was understood.
    """

    friendly_name: str | None = None
    beginning: str | None = None
    kind: str | None = None
    sort_by: str = "date_created"
    descending: bool = False
    with_numbers: bool = False
    page: int | None = None
    page_size: int | None = None
    after_sid: str | None = None
    after_key: tuple = ()
    kept: tuple = ()

    @property
    def repeats_text(self) -> bool:
        """Whether the links of a page repeat a text that the client may choose freely."""
        chosen = self.friendly_name or self.beginning or self.after_sid
        return self.page_size is not None and bool(chosen)


class Page(NamedTuple):
    """A part of a list: its rows in batches, their number, the position of the first, that of all.

    ``preceding`` is (the sid, the key) of the row that the page was read after, or None. Where
    others follow, ``following`` is that of the last row, or empty where their page is found by its
    number; None where this is the end.
    """

    batches: Iterator
    count: int
    start: int
    total: int
    following: tuple | None
    preceding: tuple | None


def read_selection(parameters):
    """Validate the parameters of a list, a MultiDict. Raises InvalidParameter (400)."""
    name = parameters.get("FriendlyName")
    begins = name is not None and name.endswith("*")
    sort_by, descending = _read_order(parameters.get("SortBy", "DateCreated"))
    kind = _read_kind(parameters.get("Kind"))
    with_numbers = parameters.get("includeNumbers", "").lower() == "true"
    kept = (
        ("FriendlyName", name),
        ("Kind", kind),
        ("SortBy", parameters.get("SortBy")),
        ("includeNumbers", "true" if with_numbers else None),
    )
    return Selection(
        friendly_name=None if begins else name,
        beginning=name[:-1] if begins else None,
        kind=kind,
        sort_by=sort_by,
        descending=descending,
        with_numbers=with_numbers,
        kept=tuple((parameter, text) for parameter, text in kept if text is not None),
        **_read_part(parameters, "an application"),
    )


def read_part(parameters: Mapping, kept: Iterable[str] = (), after: str | None = None) -> Selection:
    """Validate the parameters of a list that has one order: which part of it is asked for.

    The links of a page keep the parameters of the names ``kept``. ``after`` says what AfterSid is
    the sid of, where pages are found by it. Raises InvalidParameter (400).
    """
    kept_texts = tuple((each, parameters[each]) for each in kept if each in parameters)
    return Selection(kept=kept_texts, **_read_part(parameters, after))


def _read_kind(text):
    if text is not None and text.lower() not in KINDS:
        raise InvalidParameter("Kind", f"be {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    return text and text.lower()


def _read_order(text):
    name, colon, direction = text.partition(":")
    if name not in _ORDERS or (colon and direction not in ("asc", "desc")):
        raise InvalidParameter("SortBy", _SORT_RULE)
    return _ORDERS[name], direction == "desc"


def _read_part(parameters, after):
    if not any(name in parameters for name in (*_PAGING, *([_AFTER] if after else []))):
        return {}
    page_size = parameters.get("PageSize", str(DEFAULT_PAGE_SIZE))
    if not _NUMBER.fullmatch(page_size) or not 1 <= int(page_size) <= LARGEST_PAGE_SIZE:
        raise InvalidParameter("PageSize", f"be a number from 1 to {LARGEST_PAGE_SIZE}")
    after_sid = parameters.get(_AFTER) if after else None
    if after_sid is not None and not is_sid(after_sid):
        raise InvalidParameter(_AFTER, f"be the sid of {after}")
    page = parameters.get("Page", "0" if after_sid is None else None)
    if page is not None and not _NUMBER.fullmatch(page):
        raise InvalidParameter("Page", "be a number from 0 to 999999999")
    return {
        "page": None if page is None else int(page),
        "page_size": int(page_size),
        "after_sid": after_sid,
        "after_key": tuple(parameters.getlist("AfterKey")),
    }


def describe_page(selection, page, path):
    """List what a page tells of the whole as (XML attribute, JSON key, an int, a link or None).

    Positions count from 0; ``end`` is that of the last row, and of an empty page its ``start``.
    Links begin with ``path``, the list's own.
    """
    links = _links(selection, page, path)
    return (
        ("page", "page", _page_number(selection, page)),
        ("numpages", "num_pages", _last_page(selection, page) + 1 if page.total else 0),
        ("pagesize", "page_size", selection.page_size),
        ("total", "total", page.total),
        ("start", "start", page.start),
        ("end", "end", page.start + max(page.count - 1, 0)),
        ("uri", "uri", links["self"]),
        ("firstpageuri", "first_page_uri", links["first"]),
        ("previouspageuri", "previous_page_uri", links["prev"]),
        ("nextpageuri", "next_page_uri", links["next"]),
        ("lastpageuri", "last_page_uri", links["last"]),
    )


def _page_number(selection, page):
    return page.start // selection.page_size if selection.page is None else selection.page


def _last_page(selection, page):
    return max(page.total - 1, 0) // selection.page_size


def _links(selection, page, path):
    """Give the links of a page by their relations; None where there is no such page.

    Next goes on by key, so that a walk is right while others create and remove.
    """
    number, last = _page_number(selection, page), _last_page(selection, page)

    def link(to, place=None):
        paging = (("Page", to), ("PageSize", selection.page_size), *_after(place))
        return f"{path}?{urlencode([*selection.kept, *paging], quote_via=quote, safe='*:')}"

    return {
        "self": link(number, page.preceding),
        "first": link(0),
        "prev": link(min(number - 1, last)) if number > 0 else None,
        "next": None if page.following is None else link(number + 1, page.following),
        "last": link(last),
    }


def _after(place):
    if not place:
        return ()
    sid, key = place
    return ((_AFTER, sid), *(("AfterKey", value) for value in key))
