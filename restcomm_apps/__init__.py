"""Restcomm's Applications API as a lightweight WSGI microservice."""

from .app import create_app

__version__ = "0.1.0"

__all__ = ["create_app"]
