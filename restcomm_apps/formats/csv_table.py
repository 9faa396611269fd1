"""Lists as CSV (RFC 4180): a header of the XML names, and nothing that is taken for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from .resource import Columns, Property, Site

# Behind apostrophes too, so that ``read_cell`` finds those that ``_cell`` adds.
_BEGINS_A_FORMULA = re.compile("'*[=+\\-@\t\r]")


def write_header(properties: Iterable[Property]) -> str:
    """Write the line that names the properties."""
    return _write([[shown.xml for shown in properties]])


def write_rows(properties: Iterable[Property], rows: Sequence[object], site: Site) -> str:
    """Write a line for each row; what is None is empty."""
    columns = Columns(rows)
    return _write(zip(*(map(_cell, shown.read(columns, site)) for shown in properties)))


def _write(lines: Iterable[Iterable[str | None]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    # An apostrophe has spreadsheets show the rest as it is.
    return f"'{text}" if _BEGINS_A_FORMULA.match(text) else text


def read_cell(cell: str) -> str:
    """Return the text that was written as a cell."""
    return cell[1:] if cell.startswith("'") and _BEGINS_A_FORMULA.match(cell) else cell
