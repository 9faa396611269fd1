"""Queries whose SQL text is made once answer as Peewee's own, from the database of the moment."""

from contextlib import closing

import pytest

from restcomm_apps.store.models import Application
from restcomm_apps.store.prepared import Insertion, Parameter, Statement

from ..support.databases import connect_directly
from ..support.rows import CHILD, FULL, TABLES


@pytest.fixture
def statement(service):
    """A statement on the rows of ``rows.TABLES``, its text not yet made."""
    return Statement(lambda: select(Parameter("account_sid")))


def select(account_sid):
    return (
        Application.select()
        .where(Application.account_sid == account_sid, Application.kind == "voice")
        .order_by(Application.sid)
    )


def selected_by_peewee():
    return select(CHILD["sid"])


def test_rows_hold_what_peewee_selects(statement):
    rows = statement.rows(account_sid=CHILD["sid"])
    assert rows == list(selected_by_peewee().tuples())
    assert [row.sid for row in rows] == [each.sid for each in selected_by_peewee()]
    assert rows


def test_models_are_what_peewee_makes(statement):
    models = statement.models(account_sid=CHILD["sid"])
    assert [each.__data__ for each in models] == [each.__data__ for each in selected_by_peewee()]
    assert not any(each.is_dirty() for each in models)


def test_first_is_the_first_or_none(statement):
    assert statement.first(account_sid=CHILD["sid"]) == selected_by_peewee().first()
    assert statement.first(account_sid="nobody") is None


def test_rows_show_what_another_process_changed(statement, database_url):
    (before, *_) = statement.rows(account_sid=CHILD["sid"])
    with closing(connect_directly(database_url)) as other, other:
        other.execute("UPDATE restcomm_applications SET friendly_name = 'changed'")
    (after, *_) = statement.rows(account_sid=CHILD["sid"])
    assert (before.friendly_name, after.friendly_name) == (before.friendly_name, "changed")
    assert before.friendly_name != "changed"


def test_rows_come_from_the_database_of_the_moment(statement, make_service, make_database_url):
    assert statement.rows(account_sid=CHILD["sid"])
    empty = make_service(DATABASE_URL=make_database_url())
    assert statement.rows(account_sid=CHILD["sid"]) == []
    empty.insert(TABLES)
    assert statement.rows(account_sid=CHILD["sid"])


def test_insertion_stores_what_create_stores(service):
    values = {name: FULL[name] for name in FULL if name != "kind"}
    inserted = Insertion(Application).run(**values | {"sid": f"AP{98:032}"})
    created = Application.create(**values | {"sid": f"AP{99:032}"})
    assert inserted.__data__ == created.__data__ | {"sid": inserted.sid}
    stored = {each.sid: each.__data__ for each in Application.select()}
    assert stored[inserted.sid] == stored[created.sid] | {"sid": inserted.sid}
    assert stored[inserted.sid]["kind"] is None
