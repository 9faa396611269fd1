"""Rows to text: XML, JSON and CSV; knows no request."""
