"""Rows in from a Restcomm, out to a file, and back."""
