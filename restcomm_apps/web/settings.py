"""What views read of the settings."""

from datetime import datetime

from flask import current_app

from restcomm_apps.config import UNBIND
from restcomm_apps.domain.dates import local_now


def now() -> datetime:
    """Return the time in the zone of the setting TIMEZONE."""
    return local_now(current_app.config["TIMEZONE"])


def unbinds() -> bool:
    """Return whether numbers and clients of a removed application are freed."""
    return current_app.config["ON_REMOVE"] == UNBIND


def delete_status() -> int:
    """Return the status of a removal and of a closing."""
    return current_app.config["DELETE_STATUS"]
