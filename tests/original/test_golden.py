"""The original's recorded texts, byte for byte but for the contract's differences.

``golden.json`` holds what Restcomm-Connect's own converters wrote of 141 cases, each in XML and in
JSON. Every case is put into the tables and fetched over HTTP. Where the contract decides otherwise
than the original, one small function rewrites the recorded text and cites the contract.
"""

import json
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import peewee
import pytest

from restcomm_apps.formats.media_types import JSON, XML
from restcomm_apps.resources.accounts.representation import ACCOUNT
from restcomm_apps.resources.applications.representation import APPLICATION
from restcomm_apps.store.models import Account, Application, IncomingPhoneNumber
from restcomm_apps.web.replies import render
from restcomm_apps.web.target import FORMAT

from ..support.databases import ENGINE
from ..support.layouts import list_document
from ..support.rows import account_row, load_data, number_row
from ..support.service import BASE, Service

CASES = {case["name"]: case for case in load_data("golden.json")}
PAIRS = [(name, suffix) for name in CASES for suffix in (XML, JSON)]

# Whose applications are recorded, and who reads the recorded accounts: their parent.
OWNER = account_row("owner", sid="ACae6e420f425248d6a26948c17a9e2acf")
CALLER = account_row("caller")
LIST = f"/Accounts/{OWNER['sid']}/Applications"

# What no table holds: a second row of the same sid, a null where a column forbids it.
UNTABLED = {
    "list_two_identical",
    "numbers_identical_entries",
    "null_api_version",
    "null_date_updated",
    "account_null_role",
    "account_null_organization",
}
# What SQLite holds and MariaDB does not: 96 characters in a VARCHAR(64), a year after 9999.
BEYOND_MARIADB = {"name_latin1_all", "date_year_10000"} if ENGINE == "mariadb" else set()
UNTABLED |= BEYOND_MARIADB
# What no request shows: an application without numbers has no Numbers rather than an empty list.
UNSHOWN = {"numbers_empty_list"}

# What the original threw at, though a table holds it; how it is shown in XML and in JSON.
UNREADABLE_URLS = {
    "rcml_lt": ("http://example.com/&lt;x&gt;", r"http://example.com/\u003cx\u003e"),
    "rcml_braces": ("http://example.com/{x}", "http://example.com/{x}"),
    "rcml_backslash": (r"http://example.com/a\b", r"http://example.com/a\\b"),
    "rcml_backtick": ("http://example.com/`", "http://example.com/`"),
    "rcml_newline": ("http://example.com/a\nb", r"http://example.com/a\nb"),
    "rcml_nbsp": ("http://example.com/\xa0", r"http://example.com/\u00a0"),
    "rcml_u2028": ("http://example.com/\u2028", r"http://example.com/\u2028"),
    "rcml_del_": ("http://example.com/&#x7f;", "http://example.com/\x7f"),
}
MALFORMED_SID = "invalid_sid_33_chars"

THROWN = [(name, suffix) for name, suffix in PAIRS if CASES[name][suffix] is None]
WRITTEN = [pair for pair in PAIRS if pair not in THROWN]
RENDERED = [pair for pair in WRITTEN if pair[0] in UNTABLED | UNSHOWN]
FETCHED = [pair for pair in WRITTEN if pair not in RENDERED]
UNREADABLE = [pair for pair in THROWN if pair[0] in UNREADABLE_URLS]
MALFORMED = [pair for pair in THROWN if pair[0] == MALFORMED_SID]
# That the tables refuse these is all there is to show, once for both formats.
REFUSED = [pair for pair in THROWN if pair[0] in UNTABLED]

_400_YEARS = timedelta(days=146097)


def write_question_marks(text, case):
    """Write "?" for half of a surrogate pair, in the input as in the recorded text.

    Source: legacy/FORMAT.md, "An unpaired surrogate becomes one ? in the bytes"; no database
    holds one either.
    """
    return re.sub("[\ud800-\udfff]", "?", text)


def read_repeated_hour_as_standard_time(text, case):
    """CONTRACT, Success bodies: "The database holds naive local times of that zone".

    So a time that a clock change repeats has lost its offset. It is read as standard time, as
    java.util.GregorianCalendar reads it; the recorded entity was made from milliseconds, which
    still told the first 23:59:59 of that day from the second.
    """
    return text.replace("17 Feb 2018 23:59:59 -0200", "17 Feb 2018 23:59:59 -0300")


def show_uri_in_xml(text, case):
    """CONTRACT, Success bodies: "Uri: {root}/{v}/Accounts/{AccountSid}/Applications/{Sid}".

    The original showed the uri that its database held; an account's Uri still is that.
    """
    if is_of_accounts(case):
        return text
    uris = iter([f"<Uri>{application_uri(row)}</Uri>" for row in applications_of(case)])
    return re.sub("<Uri>.*</Uri>", lambda match: next(uris), text)


def show_uri_in_json(text, case):
    """CONTRACT, Success bodies: as in XML, "with .json appended in JSON only"."""
    if is_of_accounts(case):
        return text
    uris = iter([f'"uri": "{application_uri(row)}.json"' for row in applications_of(case)])
    return re.sub('(?m)^( *)"uri": ".*"', lambda match: match[1] + next(uris), text)


def replace_impossible_characters(text, case):
    """CONTRACT, Success bodies: "a character that XML 1.0 cannot carry is written as U+FFFD".

    The original wrote a reference that no parser accepts.
    """
    return re.sub("&#x([0-8bcef]|1[0-9a-f]|fffe|ffff);", "\ufffd", text)


def escape_non_ascii(text, case):
    r"""CONTRACT, Success bodies: "every non-ASCII character is written as \uXXXX".

    The original sent it raw. Outside the basic plane it is a surrogate pair, two escapes.
    """

    def escape(match):
        units = match[0].encode("utf-16-be").hex()
        return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))

    return re.sub("[^\x00-\x7f]", escape, text)


def list_in_xml(text, case):
    """CONTRACT, Success bodies: "read, create, update: one Application without Numbers".

    So a recorded application with numbers becomes a list of one, which may show them.
    """
    if not has_numbers(case):
        return text
    body = text.removeprefix("<RestcommResponse>\n").removesuffix("\n</RestcommResponse>")
    body = re.sub("(?m)^(?= *<)", "  ", body)
    return f"<RestcommResponse>\n  <Applications>\n{body}\n  </Applications>\n</RestcommResponse>"


def list_in_json(text, case):
    """CONTRACT, Success bodies: as in XML; the list is "a bare JSON array"."""
    return "[\n" + re.sub("(?m)^", "  ", text) + "\n]" if has_numbers(case) else text


def point_numbers_at_application(text, case):
    """CONTRACT, Success bodies: Numbers are those "whose … application is this one".

    Some recorded numbers point elsewhere: one of the sids they share becomes the application's,
    in the input as in the recorded text.
    """
    for application in applications_of(case):
        shared = shared_sid(application)
        in_xml = shared.replace("<", "&lt;").replace(">", "&gt;")
        in_json = shared.replace("<", r"\u003c").replace(">", r"\u003e")
        for spelling in (shared, in_xml, in_json):
            text = text.replace(spelling, application["sid"])
    return text


# In this order: what both formats share, then each format's own.
DIFFERENCES = {
    XML: (
        write_question_marks,
        read_repeated_hour_as_standard_time,
        show_uri_in_xml,
        replace_impossible_characters,
    ),
    JSON: (
        write_question_marks,
        read_repeated_hour_as_standard_time,
        show_uri_in_json,
        escape_non_ascii,
    ),
}
LISTED = {XML: list_in_xml, JSON: list_in_json}


def expected_body(recorded, case, suffix):
    """Rewrite a recorded text into the bytes that the contract asks for."""
    for difference in DIFFERENCES[suffix]:
        recorded = difference(recorded, case)
    return recorded.encode()


def entities_of(case):
    """List a case's entities: the one, or those of the list."""
    return case["input"] if isinstance(case["input"], list) else [case["input"]]


def is_of_accounts(case):
    """Tell whether a case holds accounts; the others hold applications."""
    return case["kind"].startswith("account")


def applications_of(case):
    """List those of a case's entities that are applications."""
    return [] if is_of_accounts(case) else entities_of(case)


def has_numbers(case):
    """Tell whether a case is a single application with numbers, which only a list shows."""
    return case["kind"] == "application" and case["input"]["numbers"] is not None


def application_uri(application):
    """Give an application's address as the contract has it."""
    return f"{BASE}/Accounts/{application['account_sid']}/Applications/{application['sid']}"


def shared_sid(application):
    """Give the application sid that most of an application's numbers hold, or else its own."""
    sids = Counter(
        text
        for number in application["numbers"] or []
        for column, text in number.items()
        if column.endswith("_application_sid") and text is not None
    )
    return sids.most_common(1)[0][0] if sids else application["sid"]


def stored_date(milliseconds, zone_name):
    """Write an instant as SQLite holds it: a naive local text, also of the year 10000."""
    if milliseconds is None:
        return None
    since_1970 = timedelta(milliseconds=milliseconds)
    cycles = max(0, since_1970 // _400_YEARS - 19)
    instant = datetime(1970, 1, 1, tzinfo=timezone.utc) + (since_1970 - cycles * _400_YEARS)
    local = instant.astimezone(ZoneInfo(zone_name))
    return f"{local.year + 400 * cycles:04d}-{local:%m-%d %H:%M:%S.%f}"


def row_of(entity, case):
    """Turn an entity into the row of its table."""
    row = {
        column: write_question_marks(value, case) if isinstance(value, str) else value
        for column, value in entity.items()
        if column != "numbers"
    }
    dates = ("date_created", "date_updated")
    return row | {column: stored_date(entity[column], case["timezone"]) for column in dates}


def number_rows(application):
    """Turn an application's numbers into rows that point at it."""
    shared, own = shared_sid(application), application["sid"]
    return [
        number_row(0, OWNER, **{c: own if text == shared else text for c, text in number.items()})
        for number in application["numbers"] or []
    ]


def tables_of(case):
    """Give all rows that a case needs, as {table name: [row]}."""
    rows = [row_of(entity, case) for entity in entities_of(case)]
    if is_of_accounts(case):
        children = [row | {"parent_sid": CALLER["sid"]} for row in rows]
        return {"restcomm_accounts": [CALLER, *children]}
    return {
        "restcomm_accounts": [OWNER],
        "restcomm_applications": rows,
        "restcomm_incoming_phone_numbers": [
            row for application in entities_of(case) for row in number_rows(application)
        ],
    }


def put(service, case):
    """Replace all rows by a case's, or change nothing and raise IntegrityError."""
    service.replace(tables_of(case))


def fetch(service, case, suffix):
    """Read over HTTP what a case recorded."""
    if case["kind"] == "account_list":
        return service.request("GET", f"/Accounts.{suffix}", CALLER)
    if case["kind"] == "account":
        return service.request("GET", f"/Accounts/{case['input']['sid']}.{suffix}", CALLER)
    if case["kind"] == "application_list" or has_numbers(case):
        return service.request("GET", f"{LIST}.{suffix}?includeNumbers=true", OWNER)
    return service.request("GET", f"{LIST}/{case['input']['sid']}.{suffix}", OWNER)


@pytest.fixture(scope="module")
def serve_in(make_database_url):
    """A function that gives the application in a zone, on a database whose rows a test replaces.

    There is one application at a time, kept until the next zone.
    """
    url = make_database_url()
    served = {}

    def serve(zone_name):
        if zone_name not in served:
            close()
            served[zone_name] = Service(url, TIMEZONE=zone_name, ACCESS="lineage")
        return served[zone_name]

    def close():
        while served:
            served.popitem()[1].close()

    yield serve
    close()


def each_of(pairs):
    """Run a test for pairs of case and format."""
    ids = [f"{name}-{suffix}" for name, suffix in pairs]
    return pytest.mark.parametrize(("name", "suffix"), pairs, ids=ids)


@each_of(FETCHED)
def test_read_gives_the_recorded_bytes(serve_in, name, suffix):
    case = CASES[name]
    service = serve_in(case["timezone"])
    put(service, case)
    reply = fetch(service, case, suffix)
    recorded = LISTED[suffix](point_numbers_at_application(case[suffix], case), case)
    assert reply.status_code == 200
    assert reply.data == expected_body(recorded, case, suffix)


@each_of(RENDERED)
def test_render_gives_the_recorded_bytes(serve_in, name, suffix):
    case = CASES[name]
    resource, model = (ACCOUNT, Account) if is_of_accounts(case) else (APPLICATION, Application)
    rows = [model(**row_of(entity, case)) for entity in entities_of(case)]
    for entity, row in zip(entities_of(case), rows):
        if entity.get("numbers") is not None:
            row.numbers = [IncomingPhoneNumber(**number) for number in entity["numbers"]]
    with serve_in(case["timezone"]).app.test_request_context(environ_overrides={FORMAT: suffix}):
        if isinstance(case["input"], list):
            body = list_document(resource, rows, suffix).encode()
        else:
            body = render(resource, rows[0]).data
    assert body == expected_body(case[suffix], case, suffix)


@each_of(UNREADABLE)
def test_read_shows_a_url_that_the_original_threw_at(serve_in, name, suffix):
    case, alike = CASES[name], CASES["rcml_http"]
    in_xml, in_json = UNREADABLE_URLS[name]
    recorded = (
        alike[suffix]
        .replace(alike["input"]["sid"], case["input"]["sid"])
        .replace(alike["input"]["rcml_url"], in_xml if suffix == XML else in_json)
    )
    service = serve_in(case["timezone"])
    put(service, case)
    reply = fetch(service, case, suffix)
    assert reply.status_code == 200
    assert reply.data == expected_body(recorded, case, suffix)


@each_of(MALFORMED)
def test_list_shows_a_malformed_sid_beside_others(serve_in, name, suffix):
    alike = CASES["list_two"]
    well_formed, malformed = alike["input"][0]["sid"], CASES[name]["input"]["sid"]
    case = json.loads(json.dumps(alike).replace(well_formed, malformed))
    service = serve_in(case["timezone"])
    put(service, case)
    reply = fetch(service, case, suffix)
    assert reply.status_code == 200
    assert reply.data == expected_body(case[suffix], case, suffix)


@each_of(MALFORMED)
def test_read_misses_a_malformed_sid(serve_in, name, suffix):
    case = CASES[name]
    service = serve_in(case["timezone"])
    put(service, case)
    reply = fetch(service, case, suffix)
    assert reply.status_code == 404
    assert b"20404" in reply.data


def test_tables_refuse_exactly_the_named_cases(serve_in):
    service = serve_in("UTC")
    refused = set()
    for name, case in CASES.items():
        try:
            put(service, case)
        except (peewee.IntegrityError, peewee.DataError, peewee.OperationalError):
            refused.add(name)
    assert refused == UNTABLED


@pytest.mark.parametrize(
    ("difference", "suffixes", "names"),
    [
        (
            write_question_marks,
            (XML, JSON),
            {"name_lone_low", "name_lone_high_end", "rcml_lone_surrogate"},
        ),
        (read_repeated_hour_as_standard_time, (XML, JSON), {"tz_sao_paulo_dst_switch"}),
        (
            replace_impossible_characters,
            (XML,),
            {
                *("name_c0_01", "name_c0_0b", "name_c0_0c_formfeed", "name_c0_1b_escape"),
                *("name_c0_all", "name_nul", "name_fffe", "name_ffff"),
                "numbers_markup_in_fields",
            },
        ),
        (
            point_numbers_at_application,
            (XML, JSON),
            {
                *("all_fields", "numbers_one_voice", "numbers_one_sms", "numbers_one_ussd"),
                *("numbers_several", "numbers_markup_in_fields", "numbers_identical_entries"),
            },
        ),
    ],
)
def test_difference_touches_exactly_the_named_cases(difference, suffixes, names):
    for suffix in suffixes:
        touched = {
            name
            for name, case in CASES.items()
            if case[suffix] is not None and difference(case[suffix], case) != case[suffix]
        }
        assert touched == names


def test_every_case_is_covered_in_both_formats():
    groups = {
        "fetched": FETCHED,
        "rendered": RENDERED,
        "unreadable": UNREADABLE,
        "malformed": MALFORMED,
        "refused": REFUSED,
    }
    covered = Counter(pair for group in groups.values() for pair in group)
    assert covered == Counter(PAIRS)
    assert len(covered) == 2 * 141
    assert {name: len(group) for name, group in groups.items()} == {
        "fetched": 250 - 2 * len(BEYOND_MARIADB),
        "rendered": 8 + 2 * len(BEYOND_MARIADB),
        "unreadable": 16,
        "malformed": 2,
        "refused": 6,
    }
