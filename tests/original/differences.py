"""The original's recorded exchanges, and where this service answers otherwise on purpose.

Two tables: ORIGINALS_TABLE repeats, row by row, the table "the original | here | why" that came
with the recording; CONTRACTS_TABLE names what the contract decides beyond it, with its section and
sentence. ``expect`` applies them to a recorded reply. Nothing here asks the service.
"""

import base64
import json
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from ..support.replay import ascii_only, gson_layout, xml_layout
from ..support.rows import load_data

BASE = "/restcomm/2012-04-24"
FORM = "application/x-www-form-urlencoded"
JSON, XML = "application/json", "application/xml"
MAX_BODY_BYTES = 2**20
_KINDS = ("voice", "sms", "ussd")
# The one value of the setting CORS_ORIGINS of the exchanges that name the server "cors".
ORIGIN = "http://testing.restcomm.com"

FIXTURE = load_data("fixture.json")
ACCOUNTS = {row["sid"]: row for row in FIXTURE["restcomm_accounts"]}
_ACCOUNT_NAMES = ACCOUNTS.keys() | {row["email_address"] for row in ACCOUNTS.values()}
_APPLICATION_SIDS = {row["sid"] for row in FIXTURE["restcomm_applications"]}

_IMPOSSIBLE_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SIDS_DATES = re.compile(r"(\{\{SID(\d)\}\}[^{}]*)\{\{(T\d)\}\}([^{}]*)\{\{(T\d)\}\}")
# Where no difference decides what {{SID1}} is after an exchange.
AS_RECORDED = object()


class Recorded:
    """One request of an exchange and the original's reply to it.

    ``moved`` says that an update came before: dates read afterwards show it.
    """

    def __init__(self, exchange, request, response, moved=False, follows=()):
        self.exchange = exchange
        self.follows = list(follows)
        self.method = request["method"]
        self.target = request["target"]
        headers = request["headers"]
        self.headers = list(headers.items()) if isinstance(headers, dict) else list(headers)
        self.sent_body = request["body"]
        self.sends_host = not request.get("no_host_header")
        self.cors = exchange.get("server") == "cors"
        self.status = response["status"]
        self.reply_headers = response["headers"]
        self.cut = "body_truncated_here" in response
        self.moved = moved or self.updates
        self.body = _SIDS_DATES.sub(self._name_dates, response["body"])

    def _name_dates(self, found):
        """Name dates by what they are: {{CREATED1}}, {{UPDATED1}}.

        The recorder had whole seconds: a change within the second of the creation kept {{T1}}.
        """
        same = found[3] == found[5] and not self.moved
        updated = "CREATED" if same else "UPDATED"
        sid = found[2]
        return f"{found[1]}{{{{CREATED{sid}}}}}{found[4]}{{{{{updated}{sid}}}}}"

    @cached_property
    def octets(self):
        """The request's body, or None."""
        body = self.sent_body
        if body is None or isinstance(body, str):
            return body if body is None else body.encode()
        if "base64" in body:
            return base64.b64decode(body["base64"])
        repeat = body["repeat"]
        return repeat["prefix"].encode().ljust(repeat["total_bytes"], repeat["then"].encode())

    @cached_property
    def form(self):
        """The parameters, of a repeated one the first; bytes that are not UTF-8 are ISO-8859-1."""
        pairs = parse_qsl(
            (self.octets or b"").decode("latin-1"), keep_blank_values=True, encoding="latin-1"
        )
        form = {}
        for name, text in pairs:
            form.setdefault(name, _reread(text))
        return form

    @property
    def is_update(self):
        """Whether the method and the target are those of an update."""
        return self.method in ("POST", "PUT") and len(self.segments) == 6

    @property
    def updates(self):
        """Whether the original took it as an update that moves DateUpdated."""
        parameters = {"FriendlyName", "VoiceCallerIdLookup", "RcmlUrl", "Kind"}
        return self.is_update and self.status == 200 and bool(parameters & self.form.keys())

    def values(self, name):
        """List the values of a header of the request."""
        return [value.strip() for key, value in self.headers if key.lower() == name.lower()]

    @property
    def accept(self):
        """All of Accept, as one list."""
        return ", ".join(self.values("Accept"))

    @property
    def media_type(self):
        """The type of the request's body without parameters, or None."""
        types = self.values("Content-Type")
        return types[0].partition(";")[0].strip() if types else None

    @property
    def path(self):
        """The target's path."""
        return re.sub("^http://[^/]*", "", self.target).partition("?")[0]

    @property
    def query(self):
        """The target's parameters."""
        return dict(parse_qsl(self.target.partition("?")[2]))

    @cached_property
    def _raw_segments(self):
        return [unquote(each.partition(";")[0]) for each in self.path.split("/")]

    @cached_property
    def segments(self):
        """The path's parts without suffixes, path parameters and empty ones."""
        parts = (re.sub(r"\.(json|xml)$", "", each) for each in self._raw_segments)
        return [each for each in parts if each]

    @property
    def account(self):
        """What the URL calls the account, or None."""
        return self.segments[3] if len(self.segments) > 3 else None

    @property
    def application_sid(self):
        """What the URL calls the application, or None."""
        return self.segments[5] if len(self.segments) > 5 else None

    @property
    def format(self):
        """The reply's media type by the contract's section "Which format"."""
        for suffix, media_type in ((".json", JSON), (".xml", XML)):
            if any(each.endswith(suffix) for each in self._raw_segments):
                return media_type
        return JSON if "json" in self.accept else XML

    @property
    def is_page(self):
        """Whether the original sent its container's page."""
        return self.reply_headers.get("Content-Type", "").startswith("text/html")

    @property
    def caller(self):
        """The row of the account whose sid the credentials name, or None."""
        found = re.match("Basic (.*)", ", ".join(self.values("Authorization")))
        if found is None:
            return None
        credentials = base64.b64decode(found[1] + "==").decode("latin-1")
        return ACCOUNTS.get(credentials.partition(":")[0])


def _reread(text):
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return text


def read_exchange(exchange):
    """Turn a recorded exchange into its setup, its request and its follow-ups, all Recorded."""
    setup = []
    for step in exchange["setup"]:
        setup.append(Recorded(exchange, step["request"], step["response"], follows=setup))
    main = Recorded(exchange, exchange["request"], exchange["response"], follows=setup)
    then = [
        Recorded(exchange, step["request"], step["response"], main.moved, [*setup, main])
        for step in exchange.get("then", [])
    ]
    return setup, main, then


class Expected(NamedTuple):
    """What is right here.

    ``headers`` are only those that are compared; ``body`` may hold placeholders. ``names`` is a
    text that an error's message must hold. ``application`` is what {{SID1}} is afterwards: a
    dict as a reply shows it, None for none, or AS_RECORDED.
    """

    status: int
    headers: dict
    body: str
    names: str = ""
    application: Any = AS_RECORDED
    differences: tuple = ()


class Difference(NamedTuple):
    """A row: how the original answers, how this service does, and the contract's words if named.

    Of the rows with ``answer`` at most one may apply to a reply; it makes the Expected. The rows
    with ``rewrite`` apply in turn to what is expected so far, and may combine.
    """

    original: str
    here: str
    source: str = ""
    applies: Callable = lambda recorded: True
    answer: Callable | None = None
    rewrite: Callable | None = None


def compared(headers):
    """Keep of {name: value} the headers that are compared."""
    names = ("Content-Type", "Cache-Control", "WWW-Authenticate", "Allow", "Link")
    return {
        name: value
        for name, value in headers.items()
        if name in names or name.startswith("Access-Control-")
    }


def expect(recorded):
    """Say what is right here for a recorded request."""
    answers = [row for row in TABLE if row.answer and row.applies(recorded)]
    assert len(answers) <= 1, [row.original for row in answers]
    expected = _as_recorded(recorded)
    for row in answers:
        expected = row.answer(recorded)._replace(differences=(row,))
    return _rewrite(recorded, expected)


def _rewrite(recorded, expected):
    for row in TABLE:
        if row.rewrite and row.applies(recorded):
            rewritten = row.rewrite(recorded, expected)
            if rewritten != expected:
                expected = rewritten._replace(differences=(*expected.differences, row))
    return expected


def expect_afterwards(recorded, application):
    """Say what is right for a follow-up where a difference decided what {{SID1}} is."""
    if recorded.application_sid is not None and application is None:
        return _error(recorded, 404, 20404)
    if recorded.application_sid is not None:
        return _rewrite(recorded, _shown(recorded, application))
    applications = [] if application is None else [application]
    return _rewrite(recorded, _shown(recorded, applications))


# What is expected instead.


def _as_recorded(recorded):
    return Expected(recorded.status, compared(recorded.reply_headers), recorded.body)


def _caching(recorded):
    """Give the header that the original sets on what is no POST or TRACE below the base path."""
    return {} if recorded.method in ("POST", "TRACE") else {"Cache-Control": "private"}


def _error(recorded, status, code, names="", media_type=None, headers=None):
    headers = _caching(recorded) if headers is None else headers
    media_type = media_type or recorded.format
    body = "" if recorded.method == "HEAD" else error_body(media_type, status, code)
    return Expected(status, headers | {"Content-Type": media_type}, body, names)


def error_body(media_type, status, code):
    """Lay out the contract's error body."""
    if media_type == JSON:
        return gson_layout(
            {
                "status": status,
                "code": code,
                "message": "{{MESSAGE}}",
                "more_info": "{{MORE_INFO}}",
            }
        )
    values = [("Status", str(status)), ("Code", str(code))]
    values += [("Message", "{{MESSAGE}}"), ("MoreInfo", "{{MORE_INFO}}")]
    return xml_layout("RestException", values)


def _refused(recorded, status, code, names="", **options):
    """An error after which everything is as before."""
    before = json.loads(recorded.follows[0].body) if recorded.follows else None
    return _error(recorded, status, code, names, **options)._replace(application=before)


def _invalid(recorded, parameter):
    return _refused(recorded, 400, 21402, parameter)


def _created(recorded):
    """The application that the form makes, as the reply of a creation shows it."""
    form = recorded.form
    lookup = form.get("VoiceCallerIdLookup", form.get("HasVoiceCallerIdLookup", "false"))
    uri = f"{BASE}/Accounts/{recorded.account}/Applications/{{{{SID1}}}}.json"
    created = {
        "sid": "{{SID1}}",
        "date_created": "{{CREATED1}}",
        "date_updated": "{{CREATED1}}",
        "friendly_name": form["FriendlyName"],
        "account_sid": recorded.account,
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": lookup.lower() == "true",
        "uri": uri,
        "rcml_url": form.get("RcmlUrl"),
        "kind": form.get("Kind", "").lower() or None,
    }
    return _shown(recorded, _without_nulls(created))


def _updated(recorded):
    """The application of the setup with the form's changes; without any it is as before."""
    before = json.loads(recorded.follows[0].body)
    form = recorded.form
    changes = {"date_updated": "{{UPDATED1}}"} if form else {}
    if "FriendlyName" in form:
        changes["friendly_name"] = form["FriendlyName"]
    if "Kind" in form:
        changes["kind"] = form["Kind"].lower() or None
    return _shown(recorded, _without_nulls(before | changes))


def _without_nulls(application):
    return {key: value for key, value in application.items() if value is not None}


_ELEMENTS = {
    "sid": "Sid",
    "date_created": "DateCreated",
    "date_updated": "DateUpdated",
    "friendly_name": "FriendlyName",
    "account_sid": "AccountSid",
    "api_version": "ApiVersion",
    "voice_caller_id_lookup": "VoiceCallerIdLookup",
    "uri": "Uri",
    "rcml_url": "RcmlUrl",
    "kind": "Kind",
}


def _shown(recorded, applications):
    """200 with an application, or with a list of them; the first is what {{SID1}} is."""
    listed = isinstance(applications, list)
    if recorded.format == JSON:
        body = gson_layout(applications)
    elif listed:
        elements = [("Application", _as_elements(each)) for each in applications]
        body = xml_layout("Applications", elements)
    else:
        body = xml_layout("Application", _as_elements(applications))
    headers = _caching(recorded) | {"Content-Type": recorded.format}
    application = (applications or [None])[0] if listed else applications
    return Expected(200, headers, body, application=application)


def _as_elements(application):
    texts = {key: _xml_text(key, value) for key, value in application.items()}
    return [(_ELEMENTS[key], text) for key, text in texts.items()]


def _xml_text(key, value):
    if key == "voice_caller_id_lookup":
        return "true" if value else "false"
    return value.removesuffix(".json") if key == "uri" else value


def _like_another(recorded):
    """The reply recorded for a plain GET of the same resource in the contract's format."""
    for exchange in EXCHANGES:
        other = Recorded(exchange, exchange["request"], exchange["response"])
        plain = other.method == "GET" and other.status == 200 and not other.query
        if (
            plain
            and not other.accept
            and not exchange["setup"]
            and other.segments == recorded.segments
            and other.format == recorded.format == other.reply_headers["Content-Type"]
        ):
            return _as_recorded(other)
    raise AssertionError(f"{recorded.path} was never recorded with 200")


def _whatever_the_accept(recorded):
    """The reply to a request whose Accept the original did not like."""
    if recorded.caller["status"] != "active":
        return _error(recorded, 403, 20005)
    if recorded.media_type not in (None, FORM):
        return _error(recorded, 415, 20415)
    if recorded.is_update:
        return _updated(recorded)
    if recorded.method == "POST":
        return _created(recorded)
    if recorded.application_sid is not None and not _exists(recorded):
        return _error(recorded, 404, 20404)
    return _like_another(recorded)


# When a row applies.


def _exists(recorded):
    """Whether the application of the URL exists when the request comes."""
    if recorded.application_sid.startswith("{{SID"):
        return all(each.method != "DELETE" for each in recorded.follows)
    return recorded.application_sid in _APPLICATION_SIDS


def _failed(recorded):
    return recorded.status == 500 and recorded.is_page


def _clients_mistake(recorded):
    """Find what the client did wrong where the original answered 500: (status, code, names)."""
    form = recorded.form
    sid = recorded.application_sid
    if not _failed(recorded) or not recorded.values("Authorization") or _is_too_large(recorded):
        return None
    if recorded.account is not None and recorded.account not in _ACCOUNT_NAMES:
        return 403, 20006, ""
    if sid is not None and not re.fullmatch("[a-zA-Z0-9]{34}|{{SID1}}", sid):
        return 404, 20404, ""
    clears_kind = recorded.is_update and form.get("Kind") == ""
    if form.get("Kind", "voice").lower() not in _KINDS and not clears_kind:
        return 400, 21402, "Kind"
    if len(form.get("FriendlyName", "")) > 64:
        return 400, 21402, "FriendlyName"
    if len(form.get("ApiVersion", "")) > 10:
        return 400, 21402, "ApiVersion"
    return (400, 21402, "RcmlUrl") if "RcmlUrl" in form else None


def _is_accepted_kind(recorded):
    kind = recorded.form.get("Kind", "")
    return kind != kind.lower() and kind.lower() in _KINDS


def _has_bad_flag(recorded):
    lookup = recorded.form.get("VoiceCallerIdLookup", "true")
    return recorded.form.get("FriendlyName") == "" or lookup.lower() not in ("true", "false")


def _loosely_checked(recorded):
    writes = recorded.method in ("POST", "PUT")
    if not writes or recorded.media_type != FORM:
        return False
    return (recorded.status == 200 and _has_bad_flag(recorded)) or (
        _failed(recorded) and _is_accepted_kind(recorded)
    )


def _answer_loosely_checked(recorded):
    if recorded.form.get("FriendlyName") == "":
        return _invalid(recorded, "FriendlyName")
    if _has_bad_flag(recorded):
        return _invalid(recorded, "VoiceCallerIdLookup")
    return _created(recorded)


def _has_other_url(recorded):
    rcml_url = recorded.form.get("RcmlUrl", "")
    return (
        recorded.method in ("POST", "PUT")
        and recorded.status == 200
        and rcml_url != ""
        and not re.match("https?:(?!//example.com:port/)|/", rcml_url)
    )


def _is_form_without_type(recorded):
    return recorded.status == 415 and recorded.media_type is None


def _answer_form_without_type(recorded):
    if recorded.is_update:
        return _updated(recorded)
    if "FriendlyName" in recorded.form:
        return _created(recorded)
    return _refused(recorded, 400, 21401, "FriendlyName")


def _is_json_body(recorded):
    return (
        recorded.status == 400
        and recorded.media_type in (JSON, "text/json")
        and recorded.reply_headers.get("Content-Type") == "text/plain"
    )


def _answer_removal(recorded):
    if not _exists(recorded):
        return _error(recorded, 404, 20404)
    return Expected(204, {"Cache-Control": "private"}, "", application=None)


def _answer_options(recorded):
    """Every recorded one is of a list; without credentials it was not told what is allowed."""
    headers = {"Allow": "OPTIONS,HEAD,POST,GET"} | compared(recorded.reply_headers)
    del headers["Content-Type"]
    headers.pop("WWW-Authenticate", None)
    return Expected(200, headers, "")


def _is_called_by_friendly_name(recorded):
    names = {row["friendly_name"] for row in ACCOUNTS.values()}
    return recorded.status == 200 and recorded.account in names


def _accept_is_unreadable(recorded):
    return recorded.body.startswith('The HTTP header field "Accept"')


def _means_json(recorded):
    if ".json" in recorded.path or "json" not in recorded.accept:
        return False
    in_xml = recorded.status == 200 and recorded.reply_headers.get("Content-Type") == XML
    return in_xml or recorded.status == 406 or _accept_is_unreadable(recorded)


def _acts_for_a_descendant(recorded):
    return _failed(recorded) and recorded.account in (
        "AC5555555555555555555555555555555b",  # five levels below the top
        "AC7777777777777777777777777777777d",  # of an organization that does not exist
    )


def _creates_in_a_closed_account(recorded):
    owner = ACCOUNTS.get(recorded.account)
    is_closed = owner is not None and owner["status"] == "closed"
    return is_closed and (recorded.method, recorded.status) == ("POST", 200)


def _answer_for_a_descendant(recorded):
    if recorded.method == "DELETE":
        return Expected(204, {"Cache-Control": "private"}, "", application=None)
    if recorded.is_update:
        return _updated(recorded)
    if recorded.method == "POST":
        return _created(recorded)
    if recorded.follows:
        return _shown(recorded, json.loads(recorded.follows[0].body))
    if recorded.account.endswith("d"):
        return _shown(recorded, [])
    return _like_another(recorded)


def _has_impossible_characters(recorded):
    name = recorded.form.get("FriendlyName", "")
    return recorded.status == 200 and _IMPOSSIBLE_IN_XML.search(name) is not None


def _is_too_large(recorded):
    lengths = recorded.values("Content-Length") or [str(len(recorded.octets or b""))]
    return len(lengths) == 1 and int(lengths[0]) > MAX_BODY_BYTES


def _is_another_type(recorded):
    return _failed(recorded) and recorded.media_type in (JSON, "garbage")


def _is_too_long_on_hsqldb(recorded):
    differs = recorded.exchange.get("mariadb_differs")
    name = recorded.form.get("FriendlyName", "")
    return bool(differs) and _failed(recorded) and 32 < len(name) <= 64


def _answer_as_on_mariadb(recorded):
    response = recorded.exchange["mariadb_differs"]["response"]
    other = Recorded(recorded.exchange, recorded.exchange["request"], response)
    return _as_recorded(other)._replace(application=json.loads(other.body))


def _is_version(recorded):
    creates = recorded.method == "POST" and not recorded.is_update
    version = recorded.form.get("ApiVersion", "2012-04-24")
    return creates and recorded.status == 200 and version != "2012-04-24"


def _answer_collapsed(recorded):
    if recorded.account not in _ACCOUNT_NAMES:
        return _error(recorded, 403, 20006)
    return _like_another(recorded)


def _is_latin_1(recorded):
    return recorded.status == 200 and "\ufffd" in recorded.body and recorded.method == "POST"


def _answer_without_credentials(recorded):
    realm = {"WWW-Authenticate": 'Basic realm="Restcomm realm"'}
    return _error(recorded, 401, 20003, headers=_caching(recorded) | realm)


# The rewritings, that may combine.


_BARE_TEXTS = {
    "Provided Account is not active": (20005, "Provided Account is not active"),
    "Friendly name can not be null.": (21401, "FriendlyName"),
}
_CODES = {400: 20400, 401: 20003, 403: 20006, 404: 20404, 405: 20405, 415: 20415}


def _tell_error(recorded, expected):
    bare = expected.body in _BARE_TEXTS
    page = expected.headers.get("Content-Type", "").startswith("text/html")
    if expected.status not in _CODES or not (bare or page):
        return expected
    code, names = _BARE_TEXTS.get(expected.body, (_CODES[expected.status], ""))
    headers = {**expected.headers, "Content-Type": recorded.format}
    body = "" if recorded.method == "HEAD" else error_body(recorded.format, expected.status, code)
    return expected._replace(headers=headers, body=body, names=names)


def _drop_numbers(recorded, expected):
    if expected.headers.get("Content-Type") == JSON and '"numbers"' in expected.body:
        applications = json.loads(expected.body)
        for each in applications:
            each.pop("numbers", None)
        return expected._replace(body=gson_layout(applications))
    body = re.sub(r"\n *<Numbers>.*?</Numbers>", "", expected.body, flags=re.DOTALL)
    return expected._replace(body=body)


def _pages_or_filters(recorded):
    lists = recorded.method == "GET" and len(recorded.segments) == 5 and recorded.status == 200
    return lists and bool({"Page", "PageSize", "FriendlyName"} & recorded.query.keys())


def _page_or_filter(recorded, expected):
    """The page or the applications of that name, out of the whole list that was recorded."""
    query = recorded.query
    applications = json.loads(_drop_numbers(recorded, expected).body)
    if "FriendlyName" in query:
        named = [each for each in applications if each["friendly_name"] == query["FriendlyName"]]
        return expected._replace(body=gson_layout(named))
    number, size, total = int(query["Page"]), int(query["PageSize"]), len(applications)
    path = f"{BASE}/Accounts/{recorded.account}/Applications.json"
    first, last = number * size, -(-total // size) - 1
    shown = applications[first : first + size]
    assert 0 < number == last, "the recorded page is the last"
    page = {
        "page": number,
        "num_pages": last + 1,
        "page_size": size,
        "total": total,
        "start": first,
        "end": first + len(shown) - 1,
        "uri": f"{path}?Page={number}&PageSize={size}",
        "first_page_uri": f"{path}?Page=0&PageSize={size}",
        "previous_page_uri": f"{path}?Page={number - 1}&PageSize={size}",
        "next_page_uri": None,
        "last_page_uri": f"{path}?Page={last}&PageSize={size}",
        "applications": shown,
    }
    return expected._replace(body=gson_layout(page))


def _answer_not_modified(recorded, expected):
    headers = {name: text for name, text in expected.headers.items() if name != "Content-Type"}
    return expected._replace(status=304, headers=headers, body="")


def _root_uris(recorded, expected):
    body = re.sub(
        r'((?:<Uri>|"uri": "))(/2012-04-24/Accounts/[^/"<]+/Applications/)',
        r"\1/restcomm\2",
        expected.body,
    )
    return expected._replace(body=body)


def _quote_non_ascii(recorded, expected):
    if expected.headers.get("Content-Type") != JSON:
        return expected
    return expected._replace(body=ascii_only(expected.body))


def _allow_origin(recorded, expected):
    granted = {
        "Access-Control-Allow-Origin": ORIGIN,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Max-Age": "1209600",
    }
    return _allow_more(recorded, expected._replace(headers=expected.headers | granted))


def _allow_more(recorded, expected):
    more = {
        "Access-Control-Allow-Headers": "origin, content-type, accept, authorization, "
        "if-match, if-none-match, idempotency-key, x-request-id",
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD",
        "Access-Control-Expose-Headers": "ETag, Link, Retry-After, X-Request-ID, "
        "Idempotent-Replayed",
    }
    return expected._replace(headers=expected.headers | more)


def _changes_from_another_site(recorded):
    changes = recorded.method in ("POST", "PUT", "DELETE")
    return changes and recorded.values("Origin") not in ([], [ORIGIN] if recorded.cors else [])


def _refuse_another_site(recorded, expected):
    return _refused(recorded, 403, 20403, "CORS_ORIGINS")


def _forbid_origin(recorded, expected):
    kept = {
        name: value
        for name, value in expected.headers.items()
        if not name.startswith("Access-Control-")
    }
    return expected._replace(headers=kept)


def _forbid_caches(recorded, expected):
    if expected.status != 200 or recorded.method == "OPTIONS":
        return expected
    return expected._replace(headers=expected.headers | {"Cache-Control": "no-store"})


def _allow_methods(recorded, expected):
    methods = "GET, HEAD, OPTIONS, POST"
    if recorded.application_sid is not None:
        methods += ", PUT, PATCH, DELETE"
    return expected._replace(headers=expected.headers | {"Allow": methods})


ORIGINALS_TABLE = (
    Difference(
        "500 with an HTML page (one in ten of all recorded inputs: bad Kind, RcmlUrl, sid, "
        "65 characters, unknown account)",
        "400, 403 or 404 with an error body",
        applies=_clients_mistake,
        answer=lambda recorded: _refused(recorded, *_clients_mistake(recorded)),
    ),
    Difference(
        "HTML error pages and bare text",
        "the contract's error body",
        rewrite=_tell_error,
    ),
    Difference(
        "406 to `Accept: text/plain` and the like",
        "XML",
        applies=lambda recorded: recorded.status == 406 and "json" not in recorded.accept,
        answer=_whatever_the_accept,
    ),
    Difference(
        "415 without a Content-Type",
        "read as a form",
        applies=_is_form_without_type,
        answer=_answer_form_without_type,
    ),
    Difference(
        "400 to a JSON body, from inside a JSON library",
        "415",
        applies=_is_json_body,
        answer=lambda recorded: _refused(recorded, 415, 20415),
    ),
    Difference(
        "`.xml` suffix taken as part of the sid",
        "XML",
        applies=lambda recorded: (
            recorded.status == 404 and re.search(r"/[A-Za-z0-9]+\.xml$", recorded.path)
        ),
        answer=_like_another,
    ),
    Difference(
        "DELETE 200; of an unknown sid 200",
        "204 (or the setting); 404",
        applies=lambda recorded: recorded.method == "DELETE" and recorded.status == 200,
        answer=_answer_removal,
    ),
    Difference(
        "list always with numbers",
        "with `includeNumbers=true`",
        applies=lambda recorded: recorded.query.get("includeNumbers", "").lower() != "true",
        rewrite=_drop_numbers,
    ),
    Difference(
        "empty FriendlyName, lookup `yes` read as false, `Kind=SMS` refused",
        "400, 400, accepted",
        applies=_loosely_checked,
        answer=_answer_loosely_checked,
    ),
    Difference(
        "RcmlUrl with any scheme or port, or relative without `/`",
        "http, https or `/…`",
        applies=_has_other_url,
        answer=lambda recorded: _invalid(recorded, "RcmlUrl"),
    ),
    Difference(
        "`uri` as stored",
        "`{root}` + path",
        rewrite=_root_uris,
    ),
    Difference(
        "`HasVoiceCallerIdLookup` ignored",
        "read",
        applies=lambda recorded: (
            recorded.status == 200 and "HasVoiceCallerIdLookup" in recorded.form
        ),
        answer=_created,
    ),
    Difference(
        "raw UTF-8 in JSON",
        "`\\uXXXX`",
        rewrite=_quote_non_ascii,
    ),
    Difference(
        "OPTIONS answers a WADL, 401 to a preflight",
        "200 with `Allow`, preflight without credentials",
        applies=lambda recorded: (
            recorded.method == "OPTIONS" and (recorded.body == "{{WADL}}" or recorded.status == 401)
        ),
        answer=_answer_options,
    ),
    Difference(
        "friendly name accepted in place of the account sid",
        "403",
        applies=_is_called_by_friendly_name,
        answer=lambda recorded: _refused(recorded, 403, 20006),
    ),
)

CONTRACTS_TABLE = (
    Difference(
        "paging parameters and filters of a list ignored",
        "a page; the applications of that name",
        "Reads at scale: `Page` […], `PageSize` […]: given either, the list comes in Restcomm's "
        "page envelope […] Filters, with or without paging: `FriendlyName`",
        applies=_pages_or_filters,
        rewrite=_page_or_filter,
    ),
    Difference(
        "If-None-Match ignored",
        "304 where it names the reply's state",
        "Beyond the contract: conditional requests by RFC 9110",
        applies=lambda recorded: (
            recorded.status == 200 and recorded.values("If-None-Match") == ["*"]
        ),
        rewrite=_answer_not_modified,
    ),
    Difference(
        "405 to PATCH",
        "an application is changed as by PUT",
        "Beyond the contract: PATCH as PUT",
        applies=lambda recorded: (
            recorded.method == "PATCH"
            and recorded.status == 405
            and recorded.application_sid is not None
        ),
        answer=_updated,
    ),
    Difference(
        "404 to doubled slashes",
        "served",
        "Resources: A trailing slash and doubled slashes are served as if they were not there",
        applies=lambda recorded: recorded.status == 404 and "//" in recorded.path,
        answer=_answer_collapsed,
    ),
    Difference(
        "500 without credentials where a path ends with Logout",
        "401",
        "Who may do what: No or wrong credentials: 401 with `WWW-Authenticate`",
        applies=lambda recorded: _failed(recorded) and not recorded.values("Authorization"),
        answer=_answer_without_credentials,
    ),
    Difference(
        "XML, 400 or 406 where Accept names JSON among others",
        "JSON",
        "Which format: `json` anywhere in `Accept` means JSON",
        applies=_means_json,
        answer=_whatever_the_accept,
    ),
    Difference(
        "400 to an Accept that cannot be parsed",
        "XML",
        "Which format: everything else, and no `Accept`, means XML. Never 406",
        applies=lambda recorded: _accept_is_unreadable(recorded) and "json" not in recorded.accept,
        answer=_whatever_the_accept,
    ),
    Difference(
        "500 to another Content-Type",
        "415",
        "Parameters: Another Content-Type: 415",
        applies=_is_another_type,
        answer=lambda recorded: _refused(recorded, 415, 20415),
    ),
    Difference(
        "500 to an empty Content-Type",
        "read as a form",
        "Parameters: Accepted: […] no Content-Type at all",
        applies=lambda recorded: _failed(recorded) and recorded.media_type == "",
        answer=_created,
    ),
    Difference(
        "a body of 1 MiB and more is read; 10 MB and 3 GB end in 500",
        "413",
        "Parameters: A body over `MAX_BODY_BYTES` (default 1 MiB): 413",
        applies=_is_too_large,
        answer=lambda recorded: _refused(recorded, 413, 20413),
    ),
    Difference(
        "bytes that are not UTF-8 become U+FFFD",
        "ISO-8859-1",
        "Parameters: Bytes that are not UTF-8 are read as ISO-8859-1",
        applies=_is_latin_1,
        answer=_created,
    ),
    Difference(
        "FriendlyName with characters that XML 1.0 cannot carry",
        "400",
        "Parameters: FriendlyName […] no character XML 1.0 cannot carry",
        applies=_has_impossible_characters,
        answer=lambda recorded: _invalid(recorded, "FriendlyName"),
    ),
    Difference(
        "33 characters beyond U+FFFF are too long on HSQLDB",
        "accepted, as on MariaDB",
        "Parameters: FriendlyName […] 1 to 64 characters",
        applies=_is_too_long_on_hsqldb,
        answer=_answer_as_on_mariadb,
    ),
    Difference(
        "any ApiVersion of ten characters",
        "400",
        "Parameters: ApiVersion […] `2012-04-24`, else 400",
        applies=_is_version,
        answer=lambda recorded: _invalid(recorded, "ApiVersion"),
    ),
    Difference(
        "500 to an update with an empty Kind",
        "cleared",
        "Parameters: Kind […] update: optional; empty clears it",
        applies=lambda recorded: (
            _failed(recorded) and recorded.is_update and recorded.form.get("Kind") == ""
        ),
        answer=_updated,
    ),
    Difference(
        "an uninitialized account may use its applications",
        "403",
        "Who may do what: An account that is not `active`: 403 `Provided Account is not active`",
        applies=lambda recorded: (
            recorded.status == 200
            and recorded.caller is not None
            and recorded.caller["status"] == "uninitialized"
            and "Applications" in recorded.target
        ),
        answer=lambda recorded: _refused(recorded, 403, 20005, "Provided Account is not active"),
    ),
    Difference(
        "500 for a descendant below four levels, and for one without an organization",
        "served",
        "Who may do what: a parent or any ancestor may act for its sub-accounts too",
        applies=_acts_for_a_descendant,
        answer=_answer_for_a_descendant,
    ),
    Difference(
        "an ancestor creates an application in a closed account",
        "409",
        "Accounts, more: Nothing can be created in an account that is being closed",
        applies=_creates_in_a_closed_account,
        answer=lambda recorded: _refused(recorded, 409, 20007),
    ),
    Difference(
        "a beginning of the base URL is a welcome origin, an empty one too",
        "no headers",
        "CORS: Origins in the setting `CORS_ORIGINS` get the headers […]; others get none",
        applies=lambda recorded: recorded.cors and recorded.values("Origin") not in ([], [ORIGIN]),
        rewrite=_forbid_origin,
    ),
    Difference(
        "a change is let in whatever page asks for it",
        "403",
        "Requests from web pages: a request that may change something is refused […] when a "
        "browser says that another site made it",
        applies=_changes_from_another_site,
        rewrite=_refuse_another_site,
    ),
    Difference(
        "pages of a welcome origin may send few headers, read fewer and never PATCH",
        "what this service knows, too",
        "Requests from web pages: Preflights name `PATCH`, `If-Match`, `If-None-Match`, "
        "`Idempotency-Key`",
        applies=lambda recorded: (
            recorded.cors and recorded.status != 500 and recorded.values("Origin") == [ORIGIN]
        ),
        rewrite=_allow_more,
    ),
    Difference(
        "a 500 has no CORS headers",
        "every reply has them",
        "CORS: Origins in the setting `CORS_ORIGINS` get the headers the original sends",
        applies=lambda recorded: (
            recorded.cors and recorded.status == 500 and recorded.values("Origin") == [ORIGIN]
        ),
        rewrite=_allow_origin,
    ),
    Difference(
        "a reply that holds tokens may be kept by the client's own cache",
        "no cache may keep it",
        "Issue 4, TLS and headers: `Cache-Control: no-store` on replies that hold tokens",
        applies=lambda recorded: (
            recorded.status == 200
            and len(recorded.segments) in (3, 4)
            and recorded.segments[2] == "Accounts"
        ),
        rewrite=_forbid_caches,
    ),
    Difference(
        "405 to TRACE allows OPTIONS only",
        "the resource's methods",
        "Resources: 405 carries `Allow`",
        applies=lambda recorded: recorded.method == "TRACE",
        rewrite=_allow_methods,
    ),
    Difference(
        "405 to the DELETE of an account",
        "closed",
        "Resources: `{root}/{v}/Accounts/{AccountSid}` […] close",
        applies=lambda recorded: (
            recorded.status == 405 and recorded.method == "DELETE" and len(recorded.segments) == 4
        ),
        answer=lambda recorded: Expected(204, {"Cache-Control": "private"}, ""),
    ),
)

TABLE = (*CONTRACTS_TABLE, *ORIGINALS_TABLE)
EXCHANGES = load_data("exchanges.json")
