"""restcomm-apps apply: an account's applications become what a file says."""

import os
from contextlib import closing

import pytest

from restcomm_apps.store.models import Application

from ..support.command_line import check_mistake, finish, run, start
from ..support.databases import connect_directly, refuse
from ..support.documentation import blocks, read
from ..support.rows import BARE, CHILD, FULL, MARKUP, NAMESAKE, STRANGER, STRANGERS, application_row

EMAIL = CHILD["email_address"]
LIST = f"/Accounts/{CHILD['sid']}/Applications"
REMOVED = {FULL["sid"], NAMESAKE["sid"], MARKUP["sid"]}


@pytest.fixture
def apply(service, database_url, tmp_path):
    """A function that applies a file's text to the child's applications; returns ``run``'s."""

    def run_it(text, *options, name="applications.yaml", account=EMAIL, runner=run):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        arguments = ("apply", path, "--account", account, *options)
        return runner(*arguments, DATABASE_URL=database_url)

    return run_it


def applications(account=CHILD):
    """Read the account's applications, {name: [(sid, kind, URL, lookup)]}."""
    found = {}
    for row in Application.select().where(Application.account_sid == account["sid"]):
        columns = (row.sid, row.kind, row.rcml_url, bool(row.voice_caller_id_lookup))
        found.setdefault(row.friendly_name, []).append(columns)
    return found


FILE = f"""\
- FriendlyName: New
  Kind: SMS
  RcmlUrl: /new
- Sid: {FULL["sid"]}
  FriendlyName: No
  RcmlUrl:
  VoiceCallerIdLookup: True
- FriendlyName: Application 2
  Kind: voice
"""
DIFFERENCE = f"""\
+ 'New'
    RcmlUrl: '/new'
    Kind: 'sms'
~ {FULL["sid"]} 'Application 1'
    FriendlyName: 'Application 1' -> 'No'
    VoiceCallerIdLookup: False -> True
    RcmlUrl: 'http://example.com/a?b=1&c=2' -> ''
~ {BARE["sid"]} 'Application 2'
    Kind: None -> 'voice'
"""


def test_apply_makes_what_the_file_says_and_shows_it_first(service, apply):
    code, output, errors = apply(FILE, "--yes")
    assert (code, errors) == (0, "")
    assert output == (
        f"{DIFFERENCE}To do: 1 created, 2 changed, 0 removed, 2 not in the file are left.\n"
        "Done: 1 created, 2 changed, 0 removed.\n"
    )
    now = applications()
    ((_, *new),) = now.pop("New")
    assert new == ["sms", "/new", False]
    assert now == {
        "No": [(FULL["sid"], "voice", "", True)],
        "Application 2": [(BARE["sid"], "voice", None, False)],
        "Application 1": [(NAMESAKE["sid"], "voice", NAMESAKE["rcml_url"], False)],
        MARKUP["friendly_name"]: [(MARKUP["sid"], "ussd", "", False)],
    }
    before = service.dump()
    nothing = "To do: 0 created, 0 changed, 0 removed, 2 not in the file are left.\n"
    assert apply(FILE, "--yes") == (0, nothing, "")
    assert service.dump() == before


def test_apply_with_dry_run_changes_nothing(service, apply):
    before = service.dump()
    code, output, errors = apply(FILE, "--dry-run", "--prune")
    assert (code, errors) == (0, "")
    assert output.startswith(DIFFERENCE)
    removals = [line for line in output.splitlines() if line.startswith("- ")]
    assert removals == [
        f"- {NAMESAKE['sid']} 'Application 1'",
        f"- {MARKUP['sid']} {MARKUP['friendly_name']!r}",
    ]
    assert output.endswith("To do: 1 created, 2 changed, 2 removed.\n")
    assert service.dump() == before


def test_apply_with_prune_removes_and_frees(service, apply):
    code, output, errors = apply(f"- Sid: {BARE['sid']}\n", "--prune", "--yes")
    assert (code, errors) == (0, "")
    assert output.endswith("Done: 0 created, 0 changed, 3 removed.\n")
    assert applications().keys() == {"Application 2"}
    pointed = {each for row in service.dump()["restcomm_incoming_phone_numbers"] for each in row}
    assert not pointed & REMOVED
    assert applications(STRANGER).keys() == {STRANGERS["friendly_name"]}


def test_apply_takes_the_csv_list(service, apply):
    rows = [
        application_row(60 + n, CHILD, friendly_name=name)
        for n, name in enumerate(["=1", "'=1", "é"])
    ]
    service.insert({"restcomm_applications": rows})
    text = service.request("GET", f"{LIST}.csv", CHILD).data
    before = service.dump()
    assert apply(text, name="list.CSV") == (0, "To do: 0 created, 0 changed, 0 removed.\n", "")
    assert service.dump() == before
    edited = text.replace(b",ussd", b",sms")
    code, output, errors = apply(edited, "--yes", name="list.csv")
    assert (code, errors) == (0, "")
    assert f"~ {MARKUP['sid']}" in output and "Kind: 'ussd' -> 'sms'" in output
    assert applications()[MARKUP["friendly_name"]][0][1] == "sms"


@pytest.mark.parametrize(
    "answer, code, last",
    [(b"y\n", 0, "Done: 1 created, 2 changed, 0 removed."), (b"n\n", 1, "Nothing was changed.")],
)
def test_apply_asks(service, apply, tmp_path, answer, code, last):
    before = service.dump()
    (tmp_path / "answer").write_bytes(answer)
    with open(tmp_path / "answer", "rb") as stdin:
        outcome = apply(FILE, runner=lambda *a, **k: run(*a, stdin=stdin, **k))
    assert (outcome[0], outcome[2]) == (code, "")
    assert outcome[1].startswith(DIFFERENCE)
    assert outcome[1].splitlines()[-1].endswith(last)
    assert (service.dump() == before) == (code == 1)


def test_apply_without_an_answer_changes_nothing(service, apply):
    before = service.dump()
    code, output, errors = apply(FILE)
    assert (code, errors) == (
        2,
        "restcomm-apps: Nothing was changed; apply needs an answer, or --yes.\n",
    )
    assert output.startswith(DIFFERENCE)
    assert service.dump() == before


def test_apply_of_what_has_changed_meanwhile_changes_nothing(service, apply):
    """Between the question and its answer somebody else changes what was shown."""
    question, answer = os.pipe()
    process = apply(FILE, runner=lambda *a, **k: start(*a, stdin=question, **k))
    shown = b""
    while b"Do this now?" not in shown:
        shown += os.read(process.stdout.fileno(), 1000)
    Application.update(kind="sms").where(Application.sid == BARE["sid"]).execute()
    before = service.dump()
    os.write(answer, b"y\n")
    code, _, errors = finish(process)
    os.close(question)
    os.close(answer)
    assert (code, errors) == (
        2,
        "restcomm-apps: Nothing was changed; the applications have changed meanwhile.\n",
    )
    assert service.dump() == before


MISTAKES = {
    "kind": (
        "- FriendlyName: x\n\n- FriendlyName: y\n  Kind: fax\n",
        "Line 3: Kind must be voice, sms or ussd",
    ),
    "name": ("- Kind: sms\n", "Line 1: FriendlyName is required"),
    "misspelled": (
        "- FriendlyName: x\n- RcmUrl: /x\n  FriendlyName: y\n",
        "Line 2: 'RcmUrl' must be one of Sid, FriendlyName",
    ),
    "action": (
        "- Action: remove\n  FriendlyName: y\n",
        "Line 1: 'Action' must be one of Sid, FriendlyName",
    ),
    "key twice": (
        "- FriendlyName: x\n  Kind: sms\n  Kind: sms\n",
        "Line 1: Kind must be sent once",
    ),
    "list in a text": ("- FriendlyName: [x]\n", "Line 1: FriendlyName must be a text"),
    "list as a key": ("- [x]: y\n", "Line 1: '' must be one of Sid"),
    "unknown sid": (
        f"- Sid: AP{99:032d}\n",
        f"Line 1: The account has no application of the sid 'AP{99:032d}'",
    ),
    "foreign sid": (
        f"- Sid: {STRANGERS['sid']}\n",
        "Line 1: The account has no application of the sid",
    ),
    "same sid": (
        f"- Sid: {FULL['sid']}\n- Sid: {FULL['sid']}\n",
        "Line 2: Sid must not be that of line 1 again",
    ),
    "sid and name": (
        f"- Sid: {BARE['sid']}\n- FriendlyName: Application 2\n",
        "Line 2: Sid must not be that of line 1 again",
    ),
    "name twice in the file": (
        "- FriendlyName: x\n- FriendlyName: y\n- FriendlyName: x\n",
        "Line 1: Sid must be given, as line 1 and line 3 have the FriendlyName 'x'.",
    ),
    "name twice in the database": (
        "- FriendlyName: Application 1\n",
        f"Line 1: Sid must be given, as {FULL['sid']} and {NAMESAKE['sid']} have the FriendlyName",
    ),
    "no list": ("FriendlyName: x\n", "Line 1: The file must be a YAML list of mappings"),
    "no mapping": ("- FriendlyName: x\n- y\n", "Line 2: The file must be a YAML list of mappings"),
    "nothing": ("", "There must be at least one row"),
    "empty list": ("[]", "There must be at least one row"),
    "broken": ("- FriendlyName: x\n- FriendlyName: 'y\n", "The file is not YAML"),
    "two documents": (
        "- FriendlyName: x\n---\n- FriendlyName: y\n",
        "Line 2: The file is not YAML",
    ),
    "tag": ("- FriendlyName: x\n- !!python/object:os.system {}\n  x", "Line "),
    "control": ("- FriendlyName: x\n- FriendlyName: \x07\n", "Line 2: The file is not YAML"),
    "deep": ("[" * 5000, "The file must be a YAML list of mappings"),
    "bytes": (b"- FriendlyName: x\n- FriendlyName: \xe9\n", "Line 2: The text must be UTF-8"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_apply_of_a_mistake_names_its_line_and_changes_nothing(service, apply, mistake):
    text, sentence = MISTAKES[mistake]
    before = service.dump()
    check_mistake(apply(text, "--prune", "--yes"), "applications.yaml: ", sentence)
    assert service.dump() == before


def test_apply_of_a_csv_mistake_names_its_line(service, apply):
    text = "FriendlyName,Kind\nx,sms\ny,fax\n"
    check_mistake(apply(text, name="a.csv"), "a.csv: Line 3: Kind must be voice, sms or ussd.")
    check_mistake(
        apply("FriendlyName,Action\nx,\n", name="a.csv"), "Line 1: 'Action' must be one of Sid"
    )


def test_apply_to_no_account_or_from_no_file(service, apply, database_url, tmp_path):
    check_mistake(apply(FILE, account="nobody@example.com"), "--account 'nobody@example.com'")
    check_mistake(apply(FILE, name="applications.json"), "must end in .csv, .yaml, .yml")
    arguments = ("apply", tmp_path / "missing.yaml", "--account", EMAIL)
    check_mistake(run(*arguments, DATABASE_URL=database_url), "missing.yaml")


def test_apply_to_a_closed_account(service, apply, database_url):
    with closing(connect_directly(database_url)) as connection, connection:
        connection.execute(
            "UPDATE restcomm_accounts SET status = 'closed' WHERE sid = ?", (CHILD["sid"],)
        )
    check_mistake(apply(FILE), "is closed")


def test_apply_that_fails_half_way_changes_nothing(service, apply, database_url):
    with closing(connect_directly(database_url)) as connection, connection:
        refuse(connection, "DELETE", "restcomm_applications")
    before = service.dump()
    code, _, errors = apply(FILE, "--prune", "--yes")
    assert code == 2
    assert "the trigger says no" in errors
    assert service.dump() == before


def test_documented_example_is_applied(service, apply):
    (example,) = blocks(read("docs/bulk.md"), "yaml")
    (shown,) = [each for each in blocks(read("docs/bulk.md"), "console") if " apply " in each]
    assert apply(example, "--yes") == (0, shown.partition("\n")[2], "")
    assert apply(example)[1].startswith("To do: 0 created, 0 changed, 0 removed")
