"""Restcomm's Applications API as a lightweight WSGI microservice."""

import importlib

__version__ = "0.1.0"

__all__ = ["create_app"]


def __getattr__(name):
    """Import the factory where it is asked for: ``serve`` has to be first, see ``__main__``."""
    if name == "create_app":
        return importlib.import_module("restcomm_apps.app").create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
