"""Rows written together look as each written alone, whatever the others hold."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from restcomm_apps import create_app
from restcomm_apps.formats.media_types import JSON, XML
from restcomm_apps.resources.applications.representation import APPLICATION
from restcomm_apps.store.models import Application
from restcomm_apps.store.prepared import Parameter, Statement

from ..support.layouts import list_document
from ..support.rows import CHILD, application_row, number_row

LIST = Statement(
    lambda: Application.select().where(Application.account_sid == Parameter("account_sid"))
)
REFERENCES = (
    "voice_application_sid",
    "sms_application_sid",
    "ussd_application_sid",
    "refer_application_sid",
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["%s", "%", "%(sid)s", "{0}", "]]>", "&amp;", "\\", '"', "a=b", "é", "\U0001d11e"]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "friendly_name": TEXTS,
            "rcml_url": st.none() | TEXTS,
            "kind": st.none() | st.sampled_from(["voice", "sms", ""]),
            "voice_caller_id_lookup": st.booleans(),
            "numbers": st.sampled_from([0, 1, 2]),
        }
    ),
    max_size=5,
)


class Row:
    """A row with attributes, as a model has them."""

    def __init__(self, **columns):
        self.__dict__.update(columns)


def make_rows(drawn):
    """Make rows, some with numbers, of what was drawn."""
    rows = []
    for position, columns in enumerate(drawn):
        row = Row(**application_row(position, CHILD, **columns))
        row.numbers = None
        if columns["numbers"]:
            row.numbers = [
                Row(**dict.fromkeys(REFERENCES), **number_row(n, CHILD))
                for n in range(columns["numbers"])
            ]
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def app():
    """An application; no request reaches its database."""
    with (app := create_app({})).app_context():
        yield app


@settings(deadline=None)
@given(drawn=ROWS)
def test_json_of_many_rows_is_that_of_each(app, drawn):
    rows = make_rows(drawn)
    together = list_document(APPLICATION, rows, JSON)
    alone = [json.loads(list_document(APPLICATION, [row], JSON))[0] for row in rows]
    assert json.loads(together) == alone
    assert [each["friendly_name"] for each in alone] == [row.friendly_name for row in rows]
    assert [each.get("rcml_url") for each in alone] == [row.rcml_url for row in rows]
    assert [each.get("kind") for each in alone] == [row.kind for row in rows]
    assert [len(each.get("numbers", ())) for each in alone] == [r["numbers"] for r in drawn]


@settings(deadline=None)
@given(drawn=ROWS)
def test_xml_of_many_rows_is_that_of_each(app, drawn):
    rows = make_rows(drawn)
    together = list_document(APPLICATION, rows, XML)
    opening, closing = (
        "<RestcommResponse>\n  <Applications>",
        "\n  </Applications>\n</RestcommResponse>",
    )
    alone = [
        list_document(APPLICATION, [row], XML).removeprefix(opening).removesuffix(closing)
        for row in rows
    ]
    if rows:
        assert together == opening + "".join(alone) + closing
    parsed = etree.fromstring(together.encode())[0]
    assert [each.find("Kind") is None for each in parsed] == [row.kind is None for row in rows]
    assert len(parsed) == len(rows)


@pytest.mark.parametrize("reply_format", [JSON, XML])
def test_tuples_look_as_models_do(service, reply_format):
    with service.app.app_context():
        rows = LIST.rows(account_sid=CHILD["sid"])
        models = LIST.models(account_sid=CHILD["sid"])
        assert list_document(APPLICATION, rows, reply_format) == list_document(
            APPLICATION, models, reply_format
        )
        mixed = [rows[0], *models[1:]]
        assert list_document(APPLICATION, mixed, reply_format) == list_document(
            APPLICATION, rows, reply_format
        )
    assert len(rows) > 1
