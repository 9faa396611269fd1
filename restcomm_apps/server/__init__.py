"""What serves: gunicorn's processes, and what is added to its worker.

gevent is imported below here alone; ``wsgi.py`` runs under any WSGI server without it.
"""
