"""Moving rows in from Restcomm's databases and out to a file: ``import`` and ``export``."""
