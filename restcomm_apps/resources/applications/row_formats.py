"""Bodies and files of many applications, as text: JSON Lines and CSV to rows.

A row is (line, [(name, value)]), where ``line`` is the one it begins in, from 1. What its names and
values mean is the business of ``bulk``.
"""

import csv
import io
import json

from restcomm_apps.errors import MalformedRequest
from restcomm_apps.formats import csv_table as tables
from restcomm_apps.formats.media_types import CSV, MEDIA_TYPES

from . import bulk

CSV_TYPE = MEDIA_TYPES[CSV]
JSON_TYPES = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
# Rows of one request: while its transaction lasts, other writers of a SQLite file wait.
MOST_ROWS = 10_000


def decode(octets, codec="utf-8"):
    """Decode a body or a file, with a byte order mark or not. Raises MalformedRequest (400)."""
    try:
        return octets.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise MalformedRequest(f"The text must be {codec.upper()}").at_line(line) from error


def split_rows(mimetype, text):
    """Yield the rows of a body, MOST_ROWS at most. Raises MalformedRequest (400)."""
    # Those without anything in them, too: to pass over a million takes its time.
    if text.count("\n") > 10 * MOST_ROWS:
        raise MalformedRequest(f"The body must not hold more than {10 * MOST_ROWS} lines")
    rows = split_csv(text, bulk.NAMES) if mimetype == CSV_TYPE else split_json_lines(text)
    for count, (line, fields) in enumerate(rows, 1):
        if count > MOST_ROWS:
            sentence = f"The body must not hold more than {MOST_ROWS} rows"
            raise MalformedRequest(sentence).at_line(line)
        yield line, fields


def split_json_lines(text):
    """Yield the rows of JSON Lines, an object each; empty lines are skipped.

    Values are what JSON has. Raises MalformedRequest (400), naming the line.
    """
    for line, json_text in enumerate(text.split("\n"), 1):
        if json_text.strip():
            yield line, _read_object(line, json_text)


def _read_object(line, json_text):
    try:
        # The pairs, not a dict, so that a name that stands twice is seen.
        pairs = json.loads(json_text, object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("The line must be a JSON object").at_line(line) from error
    if not isinstance(pairs, tuple):
        raise MalformedRequest("The line must be a JSON object").at_line(line)
    return pairs


def split_csv(text, known):
    """Yield the rows of CSV (RFC 4180) below its header of names; empty lines are skipped.

    Values are texts without what ``tables`` adds against formulas; empty cells are left out.
    ``known`` as for ``bulk.read_texts``. Raises MalformedRequest, InvalidParameter (400), naming
    the line.
    """
    records = _read_records(text)
    header_line, names = next(records, (1, []))
    with bulk.about_line(header_line):
        bulk.find_parameters(names, known)
    for line, cells in records:
        if len(cells) != len(names):
            sentence = f"The row must have {len(names)} cells, as the header has"
            raise MalformedRequest(sentence).at_line(line)
        yield line, [(name, tables.read_cell(cell)) for name, cell in zip(names, cells) if cell]


def _read_records(text):
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedRequest("The row must be CSV as in RFC 4180").at_line(line) from error
