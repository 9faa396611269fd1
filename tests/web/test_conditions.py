"""Conditional requests: tags, 304 for what is known, 412 where someone else was faster."""

import pytest

from ..support.rows import CHILD, FULL, MARKUP, STRANGER
from ..support.together import run_together

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"


def tag_of(service, path=INSTANCE):
    """Read the tag of a URL."""
    return service.request("GET", path, CHILD).headers["ETag"]


def send(service, method, path=INSTANCE, form=None, **headers):
    """Send a request with headers, spelled with _ for -; give the status."""
    headers = {name.replace("_", "-"): text for name, text in headers.items()}
    return service.request(method, path, CHILD, data=form, headers=headers).status_code


def test_read_tag_is_strong_and_stays(service):
    tag = tag_of(service)
    assert tag == tag_of(service) == tag_of(service, f"{INSTANCE}.xml")
    assert tag.startswith('"') and tag.endswith('"')


def test_read_tag_differs_by_format_and_application(service):
    paths = (
        INSTANCE,
        f"{INSTANCE}.json",
        f"{LIST}/{MARKUP['sid']}",
        f"{LIST}/{MARKUP['sid']}.json",
    )
    assert len({tag_of(service, path) for path in paths}) == 4


def test_update_within_a_second_changes_the_tag(service):
    tags = {tag_of(service)}
    for name in ("a", "b", "c"):
        reply = service.request("PUT", INSTANCE, CHILD, data={"FriendlyName": name})
        assert reply.headers["ETag"] == tag_of(service)
        tags.add(reply.headers["ETag"])
    assert len(tags) == 4


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_create_tells_the_tag_of_what_it_made(service, suffix):
    reply = service.request("POST", LIST + suffix, CHILD, data={"FriendlyName": "New"})
    sid = reply.json["sid"] if suffix else reply.text.partition("<Sid>")[2][:34]
    assert reply.headers["ETag"] == tag_of(service, f"{LIST}/{sid}{suffix}")


@pytest.mark.parametrize(
    "path", [INSTANCE, f"{INSTANCE}.json", LIST, f"{LIST}.json", f"{LIST}.csv"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("form", ["{}", 'W/"x", {}', "W/{}", "*"])
def test_read_of_a_known_state_is_304(service, path, method, form):
    tag = tag_of(service, path)
    if form == "W/{}":
        tag = tag.removeprefix("W/")
    reply = service.request(method, path, CHILD, headers={"If-None-Match": form.format(tag)})
    assert (reply.status_code, reply.data) == (304, b"")
    assert (
        reply.headers["ETag"].removeprefix("W/")
        == tag.removeprefix("W/")
        == tag_of(service, path).removeprefix("W/")
    )
    assert reply.headers["Cache-Control"] == "private"
    assert "Content-Type" not in reply.headers


def test_read_of_another_state_is_whole(service):
    tag = tag_of(service)
    assert send(service, "PUT", form={"FriendlyName": "New"}) == 200
    assert send(service, "GET", If_None_Match=tag) == 200
    assert send(service, "GET", If_None_Match=tag_of(service, f"{INSTANCE}.json")) == 200


def test_list_tag_is_weak_and_changes_with_any_row(service):
    tags = [tag_of(service, LIST)]
    assert tags[0].startswith('W/"')
    for method, path, form in (
        ("PUT", INSTANCE, {"FriendlyName": "a"}),
        ("PUT", INSTANCE, {"FriendlyName": "b"}),
        ("POST", LIST, {"FriendlyName": "c"}),
        ("DELETE", INSTANCE, None),
    ):
        send(service, method, path, form)
        tags.append(tag_of(service, LIST))
    assert len(set(tags)) == 5


WRITES = [
    *((method, {"FriendlyName": "New"}) for method in ("POST", "PUT", "PATCH")),
    ("DELETE", None),
]


@pytest.mark.parametrize("method, form", WRITES)
@pytest.mark.parametrize("suffix", ["", ".json"])
@pytest.mark.parametrize("condition", ["{}", '"x", {}', "*"])
def test_write_to_the_expected_state_is_done(service, method, form, suffix, condition):
    # A tag of either format stands for the state.
    tag = tag_of(service, f"{INSTANCE}.json")
    status = send(service, method, INSTANCE + suffix, form, If_Match=condition.format(tag))
    assert status == (204 if method == "DELETE" else 200)


@pytest.mark.parametrize("method, form", WRITES)
@pytest.mark.parametrize("suffix", ["", ".json"])
def test_write_to_another_state_is_412_and_changes_nothing(service, method, form, suffix):
    tag = tag_of(service)
    assert send(service, "PUT", form={"FriendlyName": "Faster"}) == 200
    before = service.dump()
    for condition in (tag, f"W/{tag_of(service)}", '"x"', "x", ""):
        headers = {"If-Match": condition}
        reply = service.request(method, INSTANCE + suffix, CHILD, data=form, headers=headers)
        assert reply.status_code == 412
        if suffix:
            assert reply.json["code"] == 20412
    assert send(service, method, INSTANCE, form, If_None_Match="*") == 412
    assert send(service, method, INSTANCE, form, If_None_Match=tag_of(service)) == 412
    assert service.dump() == before


def test_write_tells_other_mistakes_before_the_condition(service):
    assert send(service, "PUT", form={"Kind": "fax"}, If_Match='"x"') == 400
    assert send(service, "PUT", f"{LIST}/AP{'9' * 32}", {"Kind": "sms"}, If_Match="*") == 404
    assert send(service, "DELETE", f"{LIST}/AP{'9' * 32}", If_Match="*") == 404
    headers = {"If-Match": '"x"'}
    reply = service.request("DELETE", INSTANCE, STRANGER, headers=headers)
    assert reply.status_code == 403


def test_update_at_once_lets_one_through(make_gunicorn, service):
    gunicorn = make_gunicorn(workers=2).start()
    tag = tag_of(service)

    def update(number):
        body = f"FriendlyName={number}".encode()
        return gunicorn.request("PUT", INSTANCE, CHILD, body, {"If-Match": tag})[0]

    assert sorted(run_together(8, update)) == [200] + [412] * 7
