"""The WSGI entry point for a server of your own: ``gunicorn -k gthread wsgi:app``."""

from restcomm_apps import create_app

app = create_app()
