"""What the queries of a list cost, by the database's own plan: along an index, nothing sorted."""

from urllib.parse import urlencode

import pytest

from ..support.databases import BEGIN, ENGINE, connect_directly
from ..support.queries import queries_of
from ..support.rows import CHILD, STRANGER, application_row

LIST = f"/Accounts/{CHILD['sid']}/Applications"
ORDERS = ("DateCreated", "DateUpdated:desc", "FriendlyName")
FILTERS = (
    {},
    {"Kind": "sms"},
    {"FriendlyName": "Application 7"},
    {"FriendlyName": "Application 12*"},
)
PARTS = {
    "whole": {},
    "first": {"Page": 0},
    "tenth": {"Page": 9, "PageSize": 10},
    "after": {"AfterSid": f"AP{700:032d}", "PageSize": 10},
}


@pytest.fixture
def connection(database_url, service):
    """A connection of the test's own to 3,000 applications, half of them of one account."""
    connection = connect_directly(database_url)
    rows = [
        application_row(
            number,
            (CHILD, STRANGER)[number % 2],
            date_created=f"2020-01-{number % 28 + 1:02d} 00:00:00",
            date_updated=f"2021-01-{number % 27 + 1:02d} 00:00:00",
            kind=(None, "voice", "sms", "ussd")[number // 2 % 4],
        )
        for number in range(100, 3100)
    ]
    columns = ", ".join(rows[0])
    values = ", ".join("?" * len(rows[0]))
    connection.execute(BEGIN)
    for row in rows:
        connection.execute(
            f"INSERT INTO restcomm_applications ({columns}) VALUES ({values})", list(row.values())
        )
    connection.commit()
    if ENGINE == "mariadb":
        connection.execute("ANALYZE TABLE restcomm_applications")
    yield connection
    connection.close()


def read_plan(connection, query):
    """Give (how the applications are read, whether they are sorted) by a query's plan."""
    sql, parameters = query
    if ENGINE == "sqlite":
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return steps[0], any("TEMP B-TREE" in step for step in steps)
    cursor = connection.cursor()
    cursor.execute(f"EXPLAIN {sql}", parameters)
    names = [column[0] for column in cursor.description]
    row = dict(zip(names, cursor.fetchall()[-1]))
    return row, "filesort" in (row["Extra"] or "")


def is_along_an_index(access):
    """Tell whether one row is found by its sid, or all by the account at least."""
    if ENGINE == "sqlite":
        by_account = "INDEX restcomm_applications_account_sid" in access
        return access.startswith("SEARCH ") and (by_account or access.endswith("(sid=?)"))
    if access["table"] is None or access["type"] == "const":
        return True  # Nothing can be found, or one by its key.
    return access["type"] in ("ref", "range") and "account_sid" in access["key"]


def is_of_the_name(access):
    """Tell whether the index leads to the rows of the name that was asked for."""
    index = access if ENGINE == "sqlite" else access["key"]
    return "account_sid_friendly_name" in index


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("filters", FILTERS, ids=["all", "kind", "name", "beginning"])
@pytest.mark.parametrize("order", ORDERS)
def test_list_reads_along_an_index(service, connection, caplog, part, filters, order):
    target = f"{LIST}?{urlencode({'SortBy': order, **filters, **part})}"

    def read():
        assert service.request("GET", target, CHILD).status_code == 200

    queries = [each for each in queries_of(caplog, read) if "restcomm_applications" in each[0]]
    assert queries
    for query in queries:
        access, is_sorted = read_plan(connection, query)
        assert is_along_an_index(access), (query, access)
        if is_sorted:
            # Only what bears the name: another order than that of its index.
            assert "FriendlyName" in filters and order != "FriendlyName", (query, access)
            assert is_of_the_name(access), (query, access)
