"""The tests: every request goes through the real WSGI stack on a real database file."""
