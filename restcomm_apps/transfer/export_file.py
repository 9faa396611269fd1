"""The file that ``export`` writes and ``import`` reads back: JSON Lines, see docs/moving.md."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TextIO

from .database_rows import PAGE, Source, present_tables, read_table
from .rows import MODELS, BadRow, Refused, SourceRow, Values, values_of

FORMAT = "restcomm-apps"
VERSION = 1


class Unusable(Exception):
    """A file is not one that this version can read; the text says why."""


def write_lines(
    source: Source, zone_name: str, file: TextIO, progress: Callable[[int], None]
) -> None:
    """Write all rows of a database as lines of ASCII text.

    ``progress`` is called with the number of rows written so far. Call it in a ``snapshot``.
    """
    counts: Counter[str] = Counter()
    _write(file, {"format": FORMAT, "version": VERSION, "timezone": zone_name})
    for table in present_tables(source):
        for row in read_table(source, table):
            _write(file, {"table": table, "row": _values_to_write(row)})
            counts[table] += 1
            if counts[table] % PAGE == 0:
                progress(counts.total())
    progress(counts.total())
    _write(file, {"rows": counts})


def _write(file: TextIO, line: Mapping[str, object]) -> None:
    file.write(json.dumps(line, separators=(",", ":")) + "\n")


def _values_to_write(row: SourceRow) -> Values:
    try:
        return values_of(row)
    except Refused:
        # An export loses nothing; whether such a row can be taken is for the import to say.
        known = MODELS[row.table].present_fields()
        return {name: _as_json(value) for name, value in row.columns.items() if name in known}


def _as_json(value: object) -> str | int | float | None:
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def read_header(line: bytes) -> str | None:
    """Return the name of the time zone that the first line of a file names.

    Raises Unusable.
    """
    header = _read_object(line)
    if header.get("format") != FORMAT:
        raise Unusable("its first line is not that of an export")
    if header.get("version") != VERSION:
        raise Unusable(f"its format has the version {header.get('version')!r}; known is {VERSION}")
    return header.get("timezone")


def read_lines(lines: Iterable[bytes]) -> Iterator[SourceRow | BadRow]:
    """Yield the rows of the lines that follow the first, as bytes, one by one."""
    counts: dict[str, int] = {}
    ended = False
    for number, line in enumerate(lines, 2):
        where = f"line {number}"
        content = _read_object(line)
        table, columns = content.get("table"), content.get("row")
        if ended:
            yield BadRow(where, "the file goes on behind its last line")
        elif content.keys() == {"rows"}:
            ended = True
            if content["rows"] != counts:
                yield BadRow(where, f"the file should hold {content['rows']} rows, not {counts}")
        elif not isinstance(table, str) or table not in MODELS or not isinstance(columns, dict):
            yield BadRow(where, "the line holds no row of a known table")
        else:
            counts[table] = counts.get(table, 0) + 1
            yield SourceRow(table, columns, where)
    if not ended:
        yield BadRow("its end", "the file is cut off: its last line is missing")


def _read_object(line: bytes) -> dict[str, Any]:
    """Read a line into a dict, an empty one where it holds none."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
