"""Restcomm's words and value rules: pure functions."""
