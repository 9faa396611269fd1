"""The fixtures shared by all tests."""

import pytest

from .rows import TABLES
from .service import Gunicorn, Service


@pytest.fixture
def database_url(tmp_path):
    """The URL of a new, empty database."""
    return f"sqlite:///{tmp_path}/restcomm-apps.db"


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
        gunicorn.run("init-db")
        made.append(gunicorn)
        return gunicorn

    yield make
    for gunicorn in made:
        if gunicorn.process is not None:
            gunicorn.kill()
