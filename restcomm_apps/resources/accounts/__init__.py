"""Accounts: forms, queries, updating and closing, tokens."""
