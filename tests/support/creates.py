"""Creates by many clients at once, struck in their midst."""

import threading

from .clients import KeptAliveClient, Unanswered
from .databases import connect_directly
from .rows import CHILD
from .scale import CLIENTS, CREATES
from .together import run_together

LIST = f"/Accounts/{CHILD['sid']}/Applications"


WORKERS, THREADS = 2, 4


class Creates:
    """A run of creates by CLIENTS clients at once, and a strike in the midst of it.

    The strike comes in the thread that counts the ``strike_at``-th answer, before anyone counts
    another: at most CLIENTS - 1 more replies can be on their way, so that some creates are
    answered and some are not. ``clients`` and ``context`` are other than CLIENTS, and TLS.
    """

    def __init__(
        self, port, label, strike_at, strike, creates=CREATES, clients=CLIENTS, context=None
    ):
        assert 1 <= strike_at <= creates - clients, "the strike would not lie inside the run"
        self.port, self.strike_at, self.strike = port, strike_at, strike
        self.names = iter([f"{label}-{number}" for number in range(creates)])
        self.clients, self.context = clients, context
        self.lock = threading.Lock()
        self.answered = []
        self.unanswered = {}

    def run(self):
        """Send creates until none is left or the service is gone; give this run."""
        run_together(self.clients, self._create)
        return self

    def end(self):
        """Have the run send no more creates."""
        with self.lock:
            self.names = iter(())

    def _create(self, number):
        with KeptAliveClient(self.port, CHILD, self.context) as client:
            while (name := self._next_name()) is not None:
                client.drop_ended()
                try:
                    status, application = client.request("POST", LIST, form_of(name))
                except Unanswered as unanswered:
                    self.unanswered[name] = unanswered
                    if unanswered.refused:
                        return
                    continue
                assert status == 200, application
                assert application == expected_application(name, application)
                self._count(application)

    def _count(self, application):
        with self.lock:
            self.answered.append(application)
            if len(self.answered) == self.strike_at:
                self.strike()

    def _next_name(self):
        with self.lock:
            return next(self.names, None)

    @property
    def sent(self):
        """The names of the creates that were sent and not answered."""
        return {name for name, unanswered in self.unanswered.items() if not unanswered.refused}


def form_of(name):
    """Make the form of a create that sets every column."""
    return {
        "FriendlyName": name,
        "Kind": "sms",
        "RcmlUrl": f"/apps/{name}",
        "VoiceCallerIdLookup": "true",
    }


def expected_application(name, application):
    """Give the application that ``form_of`` makes, with this one's sid and date."""
    return {
        "sid": application["sid"],
        "date_created": application["date_created"],
        "date_updated": application["date_created"],
        "friendly_name": name,
        "account_sid": CHILD["sid"],
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": True,
        "uri": f"/restcomm/2012-04-24{LIST}/{application['sid']}.json",
        "rcml_url": f"/apps/{name}",
        "kind": "sms",
    }


def check_integrity(database_url):
    """Assert that SQLite finds nothing wrong with the database."""
    connection = connect_directly(database_url)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
