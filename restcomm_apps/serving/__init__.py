"""What ``serve`` adds to gunicorn's gevent worker: that nobody waits for a stranger.

gevent is imported below here alone; ``wsgi.py`` runs under any WSGI server without it.
"""
