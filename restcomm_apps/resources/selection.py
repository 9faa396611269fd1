"""What a request asks of a list: which rows, in which order, all of them or a page.

The only place that knows how the parameters of a list are spelled.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from restcomm_apps.domain.sids import is_sid
from restcomm_apps.domain.vocabulary import KINDS
from restcomm_apps.errors import InvalidParameter

from .parameters import read_word

DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE_SIZE = 1000
PAGE, PAGE_SIZE, AFTER_SID, AFTER_KEY = "Page", "PageSize", "AfterSid", "AfterKey"

_SORT_COLUMNS = {
    "DateCreated": "date_created",
    "DateUpdated": "date_updated",
    "FriendlyName": "friendly_name",
}
_SORT_RULE = f"be {', '.join(_SORT_COLUMNS)}, each alone or with :asc or :desc"
_NUMBER = re.compile("[0-9]{1,9}")

# Where a page begins or ends: the sid of a row, and its values in the order's other columns, as
# texts; or an empty key.
Place = tuple[str, tuple[str, ...]]


class Parameters(Protocol):
    """The parameters of a list, each with one text or several, as werkzeug's MultiDict has them."""

    def __contains__(self, name: object, /) -> bool:
        """Return whether a parameter was sent."""

    def get(self, name: str, /) -> str | None:
        """Return the first text of a parameter, or None."""

    def getlist(self, name: str, /) -> list[str]:
        """List all texts of a parameter."""


class Part(NamedTuple):
    """The part of a list that makes a page of at most ``size`` rows.

    ``page`` counts from 0; it is None where only ``after`` says where the page begins.
    """

    size: int
    page: int | None = None
    after: Place | None = None


class Selection(NamedTuple):
    """What a list shows, in which order, and which part of it.

    ``friendly_name`` is exact, ``beginning`` is how names begin; None does not filter. ``sort_by``
    is a column. Without ``part`` the whole list is shown. ``kept`` are the parameters that the
    links of a page keep of the request: what was read, as it was understood.
    """

    friendly_name: str | None = None
    beginning: str | None = None
    kind: str | None = None
    sort_by: str = "date_created"
    descending: bool = False
    with_numbers: bool = False
    part: Part | None = None
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def repeats_text(self) -> bool:
        """Whether the links of a page repeat a text that the client may choose freely."""
        if self.part is None:
            return False
        return bool(self.friendly_name or self.beginning or self.part.after)


def read_selection(parameters: Parameters) -> Selection:
    """Validate the parameters of a list of applications. Raises InvalidParameter (400)."""
    name = parameters.get("FriendlyName")
    begins = name is not None and name.endswith("*")
    sort_by, descending = _read_order(parameters.get("SortBy"))
    kind = parameters.get("Kind")
    kind = None if kind is None else read_word(kind, "Kind", KINDS)
    with_numbers = (parameters.get("includeNumbers") or "").lower() == "true"
    kept = (
        ("FriendlyName", name),
        ("Kind", kind),
        ("SortBy", parameters.get("SortBy")),
        ("includeNumbers", "true" if with_numbers else None),
    )
    return Selection(
        friendly_name=None if begins else name,
        beginning=(name[:-1] or None) if name is not None and begins else None,
        kind=kind,
        sort_by=sort_by,
        descending=descending,
        with_numbers=with_numbers,
        part=_read_part(parameters, "an application"),
        kept=tuple((parameter, text) for parameter, text in kept if text is not None),
    )


def read_part(
    parameters: Parameters, kept: Iterable[str] = (), after: str | None = None
) -> Selection:
    """Validate the parameters of a list that has one order: which part of it is asked for.

    The links of a page keep the parameters of the names ``kept``. ``after`` says what AfterSid is
    the sid of, where pages are found by it. Raises InvalidParameter (400).
    """
    kept_texts = ((name, parameters.get(name)) for name in kept)
    return Selection(
        part=_read_part(parameters, after),
        kept=tuple((name, text) for name, text in kept_texts if text is not None),
    )


def _read_order(text: str | None) -> tuple[str, bool]:
    name, colon, direction = ("DateCreated" if text is None else text).partition(":")
    if name not in _SORT_COLUMNS or (colon and direction not in ("asc", "desc")):
        raise InvalidParameter("SortBy", _SORT_RULE)
    return _SORT_COLUMNS[name], direction == "desc"


def _read_part(parameters: Parameters, after: str | None) -> Part | None:
    names = (PAGE, PAGE_SIZE, AFTER_SID) if after else (PAGE, PAGE_SIZE)
    if not any(name in parameters for name in names):
        return None
    size, page = parameters.get(PAGE_SIZE), parameters.get(PAGE)
    if size is not None and not (_NUMBER.fullmatch(size) and 1 <= int(size) <= LARGEST_PAGE_SIZE):
        raise InvalidParameter(PAGE_SIZE, f"be a number from 1 to {LARGEST_PAGE_SIZE}")
    after_sid = parameters.get(AFTER_SID) if after else None
    if after_sid is not None and not is_sid(after_sid):
        raise InvalidParameter(AFTER_SID, f"be the sid of {after}")
    if page is not None and not _NUMBER.fullmatch(page):
        raise InvalidParameter(PAGE, "be a number from 0 to 999999999")
    return Part(
        DEFAULT_PAGE_SIZE if size is None else int(size),
        int(page) if page is not None else 0 if after_sid is None else None,
        None if after_sid is None else (after_sid, tuple(parameters.getlist(AFTER_KEY))),
    )
