"""Lists as CSV: RFC 4180, a header of the XML names, nothing that a spreadsheet takes for a formula."""

import csv
import io
import re

# Behind apostrophes too, so that ``read_cell`` finds what has got one.
_BEGINS_A_FORMULA = re.compile("'*[=+\\-@\t\r]")


def write_header(properties):
    """Write the line that names the properties."""
    return _write([[each.xml for each in properties]])


def write_rows(properties, rows, site):
    """Write a line for each row; what is None is empty."""
    return _write([[_cell(each.read(row, site)) for each in properties] for row in rows])


def _write(lines):
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    # An apostrophe has spreadsheets show the rest as it is.
    return f"'{text}" if _BEGINS_A_FORMULA.match(text) else text


def read_cell(cell):
    """Give the text that was written as a cell."""
    return cell[1:] if cell.startswith("'") and _BEGINS_A_FORMULA.match(cell) else cell
