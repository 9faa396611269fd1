"""The formats of replies and their media types."""

JSON = "json"
XML = "xml"
CSV = "csv"

# Those of which there are documents; a list is written as CSV, too.
DOCUMENTS = (JSON, XML)

# Exactly these: a client compares them, so no charset parameter.
MEDIA_TYPES = {JSON: "application/json", XML: "application/xml", CSV: "text/csv"}
