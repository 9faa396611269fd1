"""The fixtures that several soak tests share."""

import subprocess

import pytest

from ..support.creates import THREADS, WORKERS
from ..support.rows import TABLES
from ..support.service import Gunicorn


@pytest.fixture(scope="package", autouse=True)
def real_starts():
    """Have each service begin as an operator's does, in a process that was nothing before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gunicorn, "popen", subprocess.Popen)
        yield


@pytest.fixture
def gunicorn(make_service, database_url, tmp_path):
    """A real gunicorn, not yet started, on a database that holds accounts alone."""
    service = make_service()
    service.insert({name: TABLES[name] for name in ("restcomm_organizations", "restcomm_accounts")})
    # Nobody but the service may hold the database open: a start after a kill has to recover it.
    service.close()
    gunicorn = Gunicorn(
        database_url, workers=WORKERS, threads=THREADS, log=tmp_path / "gunicorn.log"
    )
    yield gunicorn
    if gunicorn.process is not None:
        gunicorn.kill()
