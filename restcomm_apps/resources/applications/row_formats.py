"""Bodies and files of many applications, as text: JSON Lines and CSV to rows.

Lines are counted from 1. What the names and values of a row mean is the business of ``bulk``.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping

from restcomm_apps.errors import MalformedRequest
from restcomm_apps.formats.csv_table import read_cell
from restcomm_apps.formats.media_types import CSV, MEDIA_TYPES

from .bulk import NAMES, Fields, Row, about_line, find_parameters

CSV_TYPE = MEDIA_TYPES[CSV]
JSON_TYPES = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
# Rows of one request: while its transaction lasts, other writers of a SQLite file wait.
MOST_ROWS = 10_000


def decode(octets: bytes, codec: str = "utf-8") -> str:
    """Decode a body or a file, with a byte order mark or not. Raises MalformedRequest (400)."""
    try:
        return octets.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise MalformedRequest(f"The text must be {codec.upper()}").at_line(line) from error


def split_rows(mimetype: str, text: str) -> Iterator[Row]:
    """Yield the rows of a body, MOST_ROWS at most. Raises MalformedRequest (400)."""
    # Empty lines too: to pass over a million of them takes long.
    if text.count("\n") > 10 * MOST_ROWS:
        raise MalformedRequest(f"The body must not hold more than {10 * MOST_ROWS} lines")
    rows = split_csv(text, NAMES) if mimetype == CSV_TYPE else split_json_lines(text)
    for count, (line, fields) in enumerate(rows, 1):
        if count > MOST_ROWS:
            sentence = f"The body must not hold more than {MOST_ROWS} rows"
            raise MalformedRequest(sentence).at_line(line)
        yield line, fields


def split_json_lines(text: str) -> Iterator[Row]:
    """Yield the rows of JSON Lines, an object each; empty lines are skipped.

    Values are what JSON has. Raises MalformedRequest (400), naming the line.
    """
    for line, json_text in enumerate(text.split("\n"), 1):
        if json_text.strip():
            yield line, _read_object(line, json_text)


def _read_object(line: int, json_text: str) -> Fields:
    try:
        # The pairs, not a dict, so that a name that stands twice is seen.
        pairs = json.loads(json_text, object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("The line must be a JSON object").at_line(line) from error
    if not isinstance(pairs, tuple):
        raise MalformedRequest("The line must be a JSON object").at_line(line)
    return pairs


def split_csv(text: str, known: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows of CSV (RFC 4180) below its header of names; empty lines are skipped.

    Values are texts without what ``csv_table`` adds against formulas; empty cells are left out.
    ``known`` as for ``bulk.read_texts``. Raises MalformedRequest, InvalidParameter (400), naming
    the line.
    """
    records = _read_records(text)
    header_line, names = next(records, (1, []))
    with about_line(header_line):
        find_parameters(names, known)
    for line, cells in records:
        if len(cells) != len(names):
            sentence = f"The row must have {len(names)} cells, as the header has"
            raise MalformedRequest(sentence).at_line(line)
        yield line, [(name, read_cell(cell)) for name, cell in zip(names, cells) if cell]


def _read_records(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedRequest("The row must be CSV as in RFC 4180").at_line(line) from error
