"""Lists as CSV (RFC 4180): a header of the XML names, and nothing that is taken for a formula."""

import csv
import io
import re

from .resource import Columns

# Behind apostrophes too, so that ``read_cell`` finds what has got one.
_BEGINS_A_FORMULA = re.compile("'*[=+\\-@\t\r]")


def write_header(properties):
    """Write the line that names the properties."""
    return _write([[each.xml for each in properties]])


def write_rows(properties, rows, site):
    """Write a line for each row; what is None is empty."""
    columns = Columns(rows)
    return _write(zip(*(map(_cell, each.read(columns, site)) for each in properties)))


def _write(lines):
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def _cell(value):
    if value is None:
        return ""
    text = str(value)
    # An apostrophe has spreadsheets show the rest as it is.
    return f"'{text}" if _BEGINS_A_FORMULA.match(text) else text


def read_cell(cell):
    """Give the text that was written as a cell."""
    return cell[1:] if cell.startswith("'") and _BEGINS_A_FORMULA.match(cell) else cell
