"""An account with more applications than a reply reads at once."""

from .databases import BEGIN, connect_directly
from .rows import CHILD, application_row


def fill(database_url, count):
    """Insert applications of the same creation date beside the service; sids do not rise."""
    connection = connect_directly(database_url)
    connection.execute(BEGIN)
    for number in range(1, count + 1):
        row = application_row(number, CHILD, sid=f"AP{number * 7919 % 1000003 + 1000:032d}")
        values = ", ".join("?" * len(row))
        statement = f"INSERT INTO restcomm_applications ({', '.join(row)}) VALUES ({values})"
        connection.execute(statement, list(row.values()))
    connection.commit()
    connection.close()
