"""What the length of a compressed reply tells: nothing of what only its reader may know.

How lists are compressed is told by test_streams.
"""

import gzip
from urllib.parse import urlencode

import pytest

from restcomm_apps.web.compression import SMALLEST_BODY

from ..support.rows import CHILD, TABLES, account_row, application_row
from ..support.service import BASE, authorization

LIST = f"/Accounts/{CHILD['sid']}/Applications"
GZIP = {"Accept-Encoding": "gzip"}

SECRET = "k3y-9f2b7c41d8e6"
DIGITS = "734918265"
KEEPER = application_row(
    20, CHILD, friendly_name=f"name of {SECRET}", rcml_url=f"/hook/{SECRET}/{DIGITS}"
)
ROWS = [KEEPER, *(application_row(n, CHILD, friendly_name="name") for n in range(30, 40))]
FIRST = TABLES["restcomm_applications"][0]["sid"]
# The right guess first; each of the others differs from it in its last characters.
GUESSES = [SECRET[:12], *(SECRET[:8] + wrong for wrong in ("0000", "zzzz", "mxqv", "7c4_", "q0w1"))]
NUMBERS = [DIGITS, *(DIGITS[:4] + wrong for wrong in ("00000", "91111", "52637", "91820"))]


@pytest.fixture(scope="module")
def database_url(make_database_url):
    """One database for all tests; each begins with the rows of its own service."""
    return make_database_url()


@pytest.fixture
def listing(service):
    """The application with a list that holds a secret."""
    service.insert({"restcomm_applications": ROWS})
    return service


def get(service, query, suffix=".json"):
    """Read the list for a client that accepts gzip; give the reply, its body as it was sent."""
    target = f"{BASE}{LIST}{suffix}?{urlencode(query)}"
    reply = service.client.get(target, headers=authorization(CHILD) | GZIP)
    assert reply.status_code == 200
    return reply


PAGE = [("Page", 0), ("PageSize", 40)]
AFTER = [("PageSize", 40), ("AfterSid", FIRST)]
# Where a guess may stand, beside rows that are the same whatever it is.
PLACES = {
    "a flag": lambda guess: [*PAGE, ("includeNumbers", guess)],
    "an unknown parameter": lambda guess: [*PAGE, ("Unknown", guess)],
    "a second kind": lambda guess: [*PAGE, ("Kind", "voice"), ("Kind", guess)],
    "a second order": lambda guess: [*PAGE, ("SortBy", "DateCreated"), ("SortBy", guess)],
    "a second name": lambda guess: [*PAGE, ("FriendlyName", "name*"), ("FriendlyName", guess)],
    "a key without a place": lambda guess: [*PAGE, ("AfterKey", guess)],
    "a key too many": lambda guess: [*AFTER, *[("AfterKey", guess)] * 3],
    "a key": lambda guess: [
        *AFTER,
        ("SortBy", "FriendlyName"),
        ("AfterKey", guess),
        ("AfterKey", ""),
    ],
    "a list that is whole": lambda guess: [("includeNumbers", guess), ("AfterKey", guess)],
}


def lengths(service, place, guesses, suffix):
    """Map each guess to the length of the reply to it."""
    return {guess: len(get(service, place(guess), suffix).data) for guess in guesses}


@pytest.mark.parametrize("suffix", [".json", ".xml", ".csv"])
@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_length_does_not_tell_the_right_guess(listing, place, suffix):
    told = lengths(listing, place, GUESSES, suffix)
    assert len(set(told.values())) == 1, told


@pytest.mark.parametrize("suffix", [".json", ".xml"])
def test_length_does_not_tell_digits(listing, suffix):
    told = lengths(listing, lambda guess: [*AFTER, ("Page", guess)], NUMBERS, suffix)
    assert len(set(told.values())) == 1, told


@pytest.mark.parametrize("suffix", [".json", ".xml"])
@pytest.mark.parametrize(
    "query",
    [
        [*PAGE, ("FriendlyName", "name*")],
        [*PAGE, ("FriendlyName", "name")],
        [("PageSize", 9), ("AfterSid", FIRST)],
    ],
    ids=["how names begin", "a name", "a place"],
)
def test_page_that_repeats_a_text_is_plain(listing, query, suffix):
    reply = get(listing, query, suffix)
    assert "Content-Encoding" not in reply.headers
    assert b"Applications" in reply.data


@pytest.mark.parametrize(
    "query",
    [
        [],
        [("FriendlyName", "name*")],
        PAGE,
        [*PAGE, ("Kind", "voice"), ("SortBy", "FriendlyName:desc"), ("includeNumbers", "TRUE")],
    ],
    ids=["a list", "a filtered list", "a page", "a page in an order"],
)
def test_what_repeats_no_text_is_compressed(listing, query):
    listing.insert(
        {
            "restcomm_applications": [
                application_row(n, CHILD, friendly_name=f"name {n}") for n in range(40, 50)
            ]
        }
    )
    reply = get(listing, query)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert b"uri" in gzip.decompress(reply.data)


@pytest.mark.parametrize("suffix", [".json", ".xml"])
def test_replies_with_tokens_are_never_compressed(service, suffix):
    rows = [account_row(f"child-{n}", parent_sid=CHILD["sid"]) for n in range(30)]
    service.insert({"restcomm_accounts": rows})
    targets = {
        f"/Accounts{suffix}": rows[0],
        f"/Accounts{suffix}?Page=0&PageSize=50": rows[0],
        f"/Accounts/{CHILD['sid']}{suffix}": CHILD,
    }
    for target, account in targets.items():
        reply = service.request("GET", target, CHILD, GZIP)
        assert "Content-Encoding" not in reply.headers
        assert account["auth_token"] in reply.text and len(reply.data) > SMALLEST_BODY
