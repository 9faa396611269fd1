"""The document's examples, run as they are printed: create, update, list and delete an application
with curl, Python and, where they are installed, Node and Java.
"""

import json
import re
import shutil
import subprocess
from email.utils import parsedate_to_datetime

import pytest

from ..support.databases import connect_directly
from ..support.document import (
    FIXES,
    HEADINGS,
    PROGRAMS,
    Target,
    correct,
    fill_in,
    find_output,
    find_snippet,
    make_certificate,
    make_truststore,
    run,
)
from ..support.rows import account_row
from ..support.service import BASE, Gunicorn

MISSING = {
    language: [program for program in programs if shutil.which(program) is None]
    for language, programs in PROGRAMS.items()
}
LANGUAGES = [language for language, programs in MISSING.items() if not programs]

RCML_URL = "http://mycompany.com/visual-designer/services/apps/foobar/controller"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for the certificate and whatever else the languages need."""
    return tmp_path_factory.mktemp("document")


@pytest.fixture(scope="module")
def certificate_and_key(folder):
    """The paths of a self-signed certificate and its key."""
    return make_certificate(folder)


@pytest.fixture(scope="module")
def environ(folder, certificate_and_key):
    """The environment in which each language finds its library and trusts the certificate."""
    certificate, _ = certificate_and_key
    variables = {
        # What an operator would do with --cacert; the document's command stays as it is.
        "CURL_CA_BUNDLE": str(certificate),
        "SSL_CERT_FILE": str(certificate),
        "NODE_EXTRA_CA_CERTS": str(certificate),
    }
    if "node" in LANGUAGES:
        install_request(folder)
        variables["NODE_PATH"] = str(folder / "node_modules")
    if "java" in LANGUAGES:
        truststore = make_truststore(folder, certificate)
        variables["JDK_JAVA_OPTIONS"] = (
            f"-Djavax.net.ssl.trustStore={truststore} -Djavax.net.ssl.trustStorePassword=changeit "
            "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # starts in half the time
        )
    return variables


def install_request(folder):
    """Install the Node library that the document uses, below ``folder``."""
    done = subprocess.run(
        [
            *("npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"),
            *("--prefer-offline", "--prefix", str(folder), "request@2.88.2"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"npm cannot install request@2.88.2:\n{done.stderr}"


@pytest.fixture(scope="module", params=["http", "https"])
def gunicorn(request, certificate_and_key, make_database_url):
    """A service on plain HTTP, then one on TLS."""
    arguments = ()
    if request.param == "https":
        certificate, key = map(str, certificate_and_key)
        arguments = ("--certfile", certificate, "--keyfile", key)
    database_url = make_database_url()
    gunicorn = Gunicorn(database_url, arguments=arguments)
    gunicorn.run("init-db")
    try:
        yield gunicorn.start()
    finally:
        gunicorn.kill()


@pytest.fixture
def database(gunicorn):
    """A connection of the test's own to the service's database."""
    connection = connect_directly(gunicorn.environ["RESTCOMM_APPS_DATABASE_URL"])
    yield connection
    connection.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_runs_the_examples_of_the_document(language, gunicorn, database, environ, tmp_path):
    account = add_account(gunicorn, language)
    target = Target(gunicorn.scheme, gunicorn.port, account["sid"], account["auth_token"])

    def call(operation):
        program = fill_in(correct(operation, language), target)
        body, status = run(language, program, tmp_path, environ)
        return status, json.loads(body) if body else None

    status, created = call("create")
    check_application(created, target, "ApplicationFooBar")
    assert (status, stored(database, account)) == (200, [as_row(created)])

    target = target._replace(application_sid=created["sid"])
    status, updated = call("update")
    check_application(updated, target, "Application X")
    assert updated == created | {
        "friendly_name": "Application X",
        "date_updated": updated["date_updated"],
    }
    assert (status, stored(database, account)) == (200, [as_row(updated)])

    assert call("list") == (200, [updated])
    assert call("delete") == (204, None)
    assert stored(database, account) == []


def add_account(gunicorn, name):
    """Add an account by the command line; give what is needed of its row."""
    account = account_row(name)
    printed = gunicorn.run("add-account", account["email_address"])
    assert f"sid:   {account['sid']}\n" in printed
    return account | {"auth_token": re.search(r"^token: (\S+)$", printed, re.MULTILINE)[1]}


def check_application(application, target, friendly_name):
    """Assert that a JSON object is the application of the examples, with the document's keys."""
    documented = find_output("update")
    assert list(application) == list(documented)
    assert re.fullmatch(r"AP[0-9a-f]{32}", application["sid"])
    assert target.application_sid in ("", application["sid"])
    for key in ("date_created", "date_updated"):
        parsedate_to_datetime(application[key])
    assert application == application | {
        "friendly_name": friendly_name,
        "account_sid": target.account_sid,
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": False,
        "uri": f"{BASE}/Accounts/{target.account_sid}/Applications/{application['sid']}.json",
        "rcml_url": RCML_URL,
        "kind": "voice",
    }


def as_row(application):
    """Give the columns of an application as the database should hold them."""
    keys = ("sid", "friendly_name", "voice_caller_id_lookup", "rcml_url", "kind")
    return tuple(application[key] for key in keys)


def stored(database, account):
    """List an account's applications in the database; see ``as_row``."""
    return database.execute(
        "SELECT sid, friendly_name, voice_caller_id_lookup, rcml_url, kind"
        " FROM restcomm_applications WHERE account_sid = ?",
        [account["sid"]],
    ).fetchall()


@pytest.mark.parametrize("name", FIXES)
def test_fix_is_needed_where_it_is_listed(name):
    fix = FIXES[name]
    occurrences = {each: find_snippet(each, fix.language).count(fix.misprint) for each in HEADINGS}
    assert occurrences == {each: int(each in fix.operations) for each in HEADINGS}


@pytest.mark.parametrize("operation", ["create", "update", "list"])
def test_outputs_of_the_document_have_the_same_keys(operation):
    output = find_output(operation)
    # The document shows an array where one application is created; clients need an object.
    applications = output if isinstance(output, list) else [output]
    assert {tuple(each) for each in applications} == {tuple(find_output("update"))}


def test_tells_which_examples_are_not_run(capsys):
    left_out = {language: programs for language, programs in MISSING.items() if programs}
    with capsys.disabled():
        for language, programs in left_out.items():
            print(f"\nNot run: the document's {language} examples, without {', '.join(programs)}")
    assert not {"curl", "python"} & left_out.keys()
    assert sorted([*LANGUAGES, *left_out]) == ["curl", "java", "node", "python"]
