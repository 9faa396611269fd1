"""The formats of replies and their media types."""

JSON = "json"
XML = "xml"
CSV = "csv"

# Exactly these: a client compares them, so no charset parameter.
MEDIA_TYPES = {JSON: "application/json", XML: "application/xml", CSV: "text/csv"}
