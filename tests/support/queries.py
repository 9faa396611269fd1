"""The queries that a request runs."""


def queries_of(caplog, send):
    """Give the (SQL, parameters) that the service runs while ``send()`` runs a second time."""
    send()
    caplog.clear()
    with caplog.at_level("DEBUG", "peewee"):
        send()
    return [record.msg for record in caplog.records if record.name == "peewee"]
