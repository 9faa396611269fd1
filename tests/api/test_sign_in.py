"""Signing in as Restcomm's web pages do, step by step, each link followed where it leads.

Source: legacy/CLIENTS.md, "Accounts endpoints needed to log in", "AdminUI operations", "Per
client: RVD", and legacy/NUMBERS_CLIENTS.md. A step that fails names itself.
"""

import base64
import hashlib
import re

import pytest

from ..support.rows import CHILD, FULL, GRANDCHILD, TABLES, account_row
from ..support.service import BASE, check_reply

HOST = "pbx.example.com:8080"
ADMIN_UI_ACCEPT = "application/json, text/plain, */*"
EMAIL_ADDRESS, PASSWORD = CHILD["email_address"], CHILD["friendly_name"]
# What the pages compute of the password that was typed.
TOKEN = hashlib.md5(PASSWORD.encode()).hexdigest()
LIST = f"/Accounts/{CHILD['sid']}/Applications"


class Page:
    """A page of a browser: its requests go to the host that it came from, as one user's."""

    def __init__(self, service, scheme="http"):
        self._client = service.client
        self.origin = f"{scheme}://{HOST}"
        self._headers = {"Host": HOST, "X-Forwarded-Proto": scheme, "Accept": ADMIN_UI_ACCEPT}

    def become(self, name, token):
        """Use these credentials from now on, or none."""
        self._headers.pop("Authorization", None)
        if name is not None:
            credentials = base64.b64encode(f"{name}:{token}".encode()).decode()
            self._headers["Authorization"] = f"Basic {credentials}"

    def step(self, name, method, url, wanted=(200,), form=None):
        """Send a request below the base path, or to an absolute URL of the page's own origin."""
        path = url.removeprefix(self.origin) if url.startswith(self.origin) else BASE + url
        headers = self._headers | {"Sec-Fetch-Site": "same-origin"}
        if method != "GET":
            headers["Origin"] = self.origin
        reply = self._client.open(path, method=method, headers=headers, data=form)
        assert reply.status_code in wanted, f"{name}: {reply.status_code} {reply.text}"
        check_reply(reply.status_code, reply.headers.get("Content-Type"), reply.data)
        return reply

    def link(self, name, reply):
        """Give the one link of a reply, which a browser may ask for only at the page's origin."""
        found = re.fullmatch(r'<([^<>]+)>;rel=related;title="Profiles"', reply.headers["Link"])
        assert found is not None, f"{name}: {reply.headers['Link']}"
        assert found[1].startswith(f"{self.origin}/"), f"{name}: {found[1]}"
        return found[1]


@pytest.fixture
def make_page(make_service):
    """A function that opens a page of a service with the usual rows and given settings."""

    def make(scheme="http", rows=TABLES, **settings):
        service = make_service(TRUSTED_PROXIES="127.0.0.1", **settings)
        service.insert(rows)
        return Page(service, scheme)

    return make


def log_in_to_admin_ui(page, name, token):
    """Log in as AdminUI does; give the account that it keeps."""
    page.become(name, token)
    url = f"/Accounts.json/{name.replace('@', '%40')}"
    reply = page.step("login: the account by its e-mail address", "GET", url)
    account = reply.json
    assert account["auth_token"] == token, "login: the token that all later requests use"
    profile = page.step("login: the profile behind the Link", "GET", page.link("login", reply))
    features = profile.json["featureEnablement"]
    # Without these it shows "not available" in place of sub-accounts and numbers.
    assert features["subaccountsCreation"] is not None, "login: sub-accounts"
    assert "US" in features["DIDPurchase"]["allowedCountries"], "login: numbers"
    return account


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("access", ["owner", "lineage"])
def test_admin_ui_logs_in_works_and_logs_out(make_page, scheme, access):
    """FAULTS 14: without the profile the page stayed blank from then on."""
    page = make_page(scheme, ACCESS=access)
    account = log_in_to_admin_ui(page, EMAIL_ADDRESS, TOKEN)
    assert (account["sid"], account["status"]) == (CHILD["sid"], "active")
    page.become(account["email_address"], account["auth_token"])
    below = page.step("home: the bar's sub-accounts", "GET", "/Accounts.json")
    assert [each["sid"] for each in below.json] == [GRANDCHILD["sid"]]
    own = f"/Accounts.json/{account['sid']}"
    for unknown in ("Calls.json", "SMS/Messages.json", "Usage/Records/Daily.json"):
        # 401 would throw the user back to the login.
        page.step(f"home: {unknown}", "GET", f"{own}/{unknown}", wanted=(404,))
    listed = page.step("applications", "GET", f"{LIST}.json?includeNumbers=true")
    assert FULL["sid"] in {each["sid"] for each in listed.json}
    page.step("an application", "GET", f"{LIST}/{FULL['sid']}.json")
    page.become(account["sid"], account["auth_token"])
    reply = page.step("reload: the account by its sid", "GET", own)
    page.step("reload: the profile behind the Link", "GET", page.link("reload", reply))
    page.become(None, None)
    assert page.step("sign-out, without credentials", "GET", "/Logout").data == b"OK"


def test_admin_ui_asks_an_uninitialized_account_for_a_password(make_page):
    new = account_row("new", CHILD, status="uninitialized")
    page = make_page(rows={"restcomm_accounts": [*TABLES["restcomm_accounts"], new]})
    account = log_in_to_admin_ui(page, new["email_address"], new["auth_token"])
    assert account["status"] == "uninitialized"
    page.become(account["sid"], account["auth_token"])
    url = f"/Accounts.json/{account['sid']}"
    changed = page.step("the first password", "PUT", url, form={"Password": "my own one"}).json
    token = hashlib.md5(b"my own one").hexdigest()
    assert (changed["status"], changed["auth_token"]) == ("active", token)
    assert log_in_to_admin_ui(page, new["email_address"], token)["status"] == "active"


def test_admin_ui_shows_a_wrong_password_at_the_login(make_page):
    page = make_page()
    page.become(EMAIL_ADDRESS, hashlib.md5(b"wrong").hexdigest())
    page.step("login", "GET", f"/Accounts.json/{EMAIL_ADDRESS}", wanted=(401,))


@pytest.mark.parametrize("name", [EMAIL_ADDRESS, CHILD["sid"]])
def test_visual_designer_logs_in_and_manages_a_project(make_page, name):
    """Its server takes exactly 200 for every answer, so it needs DELETE_STATUS=200."""
    page = make_page(DELETE_STATUS="200")
    page.become(name, TOKEN)
    reply = page.step("login: the account", "GET", f"/Accounts.json/{name}")
    account = reply.json
    assert (account["sid"], account["status"]) == (CHILD["sid"], "active")
    assert account["email_address"] == EMAIL_ADDRESS
    page.become(account["email_address"], account["auth_token"])
    form = {"FriendlyName": "Project", "Kind": "voice"}
    sid = page.step("create: the application", "POST", f"{LIST}.json", form=form).json["sid"]
    url = f"{LIST}/{sid}.json"
    page.step("create: is it there", "GET", url)
    form = {"RcmlUrl": f"/visual-designer/services/apps/{sid}/controller", "Sid": sid}
    stored = page.step("create: its URL", "POST", url, form=form).json
    assert stored["rcml_url"] == form["RcmlUrl"]
    page.step("rename: nothing by that name", "GET", f"{LIST}/Project%2520two.json", wanted=(404,))
    page.step("rename: is it there", "GET", url)
    page.step("rename: the name", "POST", url, form={"FriendlyName": "Project two"})
    page.step("remove: is it there", "GET", url)
    assert page.step("remove: the application", "DELETE", url).data == b""
    page.step("remove: gone", "GET", url, wanted=(404,))
