"""A MariaDB of a test's own: a real server on a free port, to be stopped, killed and started."""

import os
import signal
import subprocess
import time

import pymysql

from .databases import connect_directly
from .service import free_port

_OPTIONS = ("--skip-name-resolve", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M")


class MariaServer:
    """A MariaDB in a folder; root needs no password from this machine."""

    def __init__(self, folder, *options):
        self.folder = folder / "mariadb"
        # A server removes at its start what looks like temporary tables, another one's too.
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.port = free_port()
        self.log = folder / "mariadb.log"
        self.options = options
        self.process = None
        self.user = ["--user=root"] if os.getuid() == 0 else []
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}", *self.user]
        install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True, timeout=120)

    def url(self, name="restcomm", **options):
        """Give the URL of one of its databases, with the options of a DATABASE_URL."""
        query = "&".join(f"{option}={value}" for option, value in options.items())
        return f"mysql://root@127.0.0.1:{self.port}/{name}" + (f"?{query}" if query else "")

    def start(self):
        """Start and wait until it answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    *("/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.folder}"),
                    *(f"--port={self.port}", "--bind-address=127.0.0.1"),
                    f"--tmpdir={self.temporary}",
                    *(f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"),
                    *(*self.user, *_OPTIONS, *self.options),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                connect_directly(self.url("mysql")).close()
                return self
            except pymysql.OperationalError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, "MariaDB does not answer"
                time.sleep(0.05)

    def execute(self, statement, values=(), name="mysql"):
        """Run a statement in one of its databases on a connection of its own; give the rows."""
        connection = connect_directly(self.url(name))
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def send_signal(self, number):
        """Send a signal to the server."""
        os.kill(self.process.pid, number)

    def stop(self, number=signal.SIGTERM):
        """End it with a signal and wait for it."""
        if self.process is not None and self.process.poll() is None:
            self.send_signal(signal.SIGCONT)
            self.send_signal(number)
        if self.process is not None:
            self.process.wait(60)


def connections_of(server, name="restcomm"):
    """List the ids of the connections to one of a server's databases."""
    query = "SELECT id FROM information_schema.processlist WHERE db = ?"
    return [number for (number,) in server.execute(query, [name])]
