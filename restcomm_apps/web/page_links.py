"""What a page says of the whole list, and its links to the other pages."""

from collections.abc import Iterable
from functools import partial
from urllib.parse import quote, urlencode

from restcomm_apps.formats.layout import PageProperty
from restcomm_apps.resources.listings import Page
from restcomm_apps.resources.selection import AFTER_KEY, AFTER_SID, PAGE, PAGE_SIZE, Place


def describe_page(page: Page, links: dict[str, str | None]) -> list[PageProperty]:
    """List what a page says of the whole; ``links`` are what ``links_of`` returns.

    Positions count from 0; ``end`` is that of the last row, and of an empty page its ``start``.
    """
    return [
        PageProperty("page", "page", _number_of(page)),
        PageProperty("numpages", "num_pages", _last_number(page) + 1 if page.total else 0),
        PageProperty("pagesize", "page_size", page.part.size),
        PageProperty("total", "total", page.total),
        PageProperty("start", "start", page.start),
        PageProperty("end", "end", page.start + max(page.length - 1, 0)),
        PageProperty("uri", "uri", links["self"]),
        PageProperty("firstpageuri", "first_page_uri", links["first"]),
        PageProperty("previouspageuri", "previous_page_uri", links["prev"]),
        PageProperty("nextpageuri", "next_page_uri", links["next"]),
        PageProperty("lastpageuri", "last_page_uri", links["last"]),
    ]


def links_of(page: Page, kept: Iterable[tuple[str, str]], path: str) -> dict[str, str | None]:
    """Return the links of a page by their relations; None where there is no such page.

    They begin with ``path``, the list's own, and keep the parameters ``kept``. Next goes on by key,
    so that a walk is right while others create and remove.
    """
    number, last = _number_of(page), _last_number(page)
    link = partial(_link, path, tuple(kept), page.part.size)
    return {
        "self": link(number, page.preceding),
        "first": link(0),
        "prev": link(min(number - 1, last)) if number > 0 else None,
        "next": None if page.following is None else link(number + 1, page.following),
        "last": link(last),
    }


def _link(
    path: str,
    kept: Iterable[tuple[str, str]],
    size: int,
    number: int,
    after: Place | tuple[()] | None = None,
) -> str:
    paging = ((PAGE, str(number)), (PAGE_SIZE, str(size)), *_parameters_after(after))
    return f"{path}?{urlencode([*kept, *paging], quote_via=quote, safe='*:')}"


def _number_of(page: Page) -> int:
    return page.start // page.part.size if page.part.page is None else page.part.page


def _last_number(page: Page) -> int:
    return max(page.total - 1, 0) // page.part.size


def _parameters_after(place: Place | tuple[()] | None) -> tuple[tuple[str, str], ...]:
    if not place:
        return ()
    sid, key = place
    return ((AFTER_SID, sid), *((AFTER_KEY, value) for value in key))
