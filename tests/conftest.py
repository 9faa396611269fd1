"""The fixtures shared by all tests."""

import pytest

from .support.databases import ENGINE, drop_database, new_database_url
from .support.kept import KeptDatabase
from .support.rows import TABLES
from .support.service import Gunicorn, Service


def pytest_collection_modifyitems(config, items):
    """Take out the tests of the other engine; pytest counts them as deselected."""
    other = "sqlite" if ENGINE == "mariadb" else "mariadb"
    taken_out = [test for test in items if test.get_closest_marker(other)]
    items[:] = [test for test in items if not test.get_closest_marker(other)]
    config.hook.pytest_deselected(items=taken_out)


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item):
    """Mark the tests that start a service, by what they ask for."""
    if "make_gunicorn" in item.fixturenames:
        item.add_marker("server")


@pytest.fixture(scope="session")
def make_database_url(tmp_path_factory):
    """A function that makes the URL of a new, empty database, for the whole session."""
    made = []

    def make():
        made.append(new_database_url(tmp_path_factory.mktemp("database")))
        return made[-1]

    yield make
    for url in made:
        drop_database(url)


@pytest.fixture(scope="session")
def kept_databases(tmp_path_factory):
    """The databases that tests have one after the other, {whether it has tables: KeptDatabase}."""
    folder = tmp_path_factory.mktemp("databases")
    kept = {
        has_tables: KeptDatabase(folder / name, has_tables)
        for name, has_tables in (("empty", False), ("tables", True))
    }
    yield kept
    for database in kept.values():
        database.remove()


@pytest.fixture
def database_url(request, kept_databases):
    """The URL of a new database: with tables where a test asks for a service too, else empty."""
    has_tables = not {"make_service", "make_gunicorn"}.isdisjoint(request.fixturenames)
    yield kept_databases[has_tables].renew()
    kept_databases[has_tables].look_again()


@pytest.fixture
def make_service(database_url):
    """A function that makes the application with given settings and no rows."""
    made = []

    def make(**settings):
        made.append(Service(database_url, **settings))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(make_service):
    """The application with default settings and the rows of ``rows.TABLES``."""
    service = make_service()
    service.insert(TABLES)
    return service


@pytest.fixture
def make_gunicorn(database_url, tmp_path):
    """A function that makes a real gunicorn, not yet started, on a database with tables."""
    made = []

    def make(**options):
        log = tmp_path / f"service{len(made)}.log"
        gunicorn = Gunicorn(database_url, log=log, **options)
        made.append(gunicorn)
        return gunicorn

    yield make
    for gunicorn in made:
        if gunicorn.process is not None:
            gunicorn.kill()
