"""The hook that follows the links of every reply: what it finds, and that it fails."""

import pytest

from .links import check_links, links_of
from .rows import CHILD

LIST = f"/Accounts/{CHILD['sid']}/Applications"
PAGES = {"FriendlyName": "Application*", "PageSize": "1", "Page": "1"}


@pytest.mark.parametrize("suffix", ["", ".json", ".csv"])
def test_links_of_a_page_are_found_in_each_format(service, suffix):
    reply = service.request("GET", LIST + suffix, CHILD, query_string=PAGES)
    links = links_of(reply.headers, reply.data)
    assert len(links) == 4  # the first, the one before, the next, the last
    assert all("FriendlyName=Application" in link and "&amp;" not in link for link in links)
    assert service.followed >= set(links)


def test_link_of_an_account_is_found(service):
    reply = service.request("HEAD", f"/Accounts/{CHILD['sid']}", CHILD)
    [link] = links_of(reply.headers, reply.data)
    assert "/Profiles/PR" in link
    assert service.followed == {link}


def test_what_an_application_is_called_is_no_link(service):
    name = '"first_page_uri": "/a" pageuri="/b"'
    form = {"FriendlyName": name}
    for suffix in ("", ".json"):
        reply = service.request("POST", LIST + suffix, CHILD, data=form)
        listed = service.request("GET", LIST + suffix, CHILD)
        assert links_of(reply.headers, reply.data) == links_of(listed.headers, listed.data) == []


@pytest.mark.parametrize(
    ("link", "status"),
    [("http://localhost/x", 404), ("/x", 403), ("http://elsewhere/x", 200), ("//elsewhere/x", 200)],
)
def test_link_that_cannot_be_followed_is_a_fault(link, status):
    with pytest.raises(AssertionError):
        check_links(set(), "localhost", {"Link": f"<{link}>;rel=x"}, b"", lambda path: status)


def test_link_is_followed_once():
    followed, asked = set(), []
    for _ in range(2):
        check_links(
            followed,
            "localhost",
            {"Link": "<http://localhost/x?y=1>, </z>"},
            b"",
            lambda path: asked.append(path) or 200,
        )
    assert asked == ["/x?y=1", "/z"]
