"""HSQLDB's ``restcomm.script``: a database as a text file, one statement a line.

Source: legacy/SCHEMA.md. Written in ASCII: every other character of a string, and every control
character, stands there as the reference of each of its UTF-16 units.
"""

import re
from collections.abc import Iterable, Iterator

from .rows import MODELS, BadRow, SourceRow

_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_TABLE = rf"(?:(?P<schema>{_NAME})\s*\.\s*)?(?P<table>{_NAME})"
_CREATE = re.compile(rf"CREATE\s+(?:(?:MEMORY|CACHED)\s+)?TABLE\s+{_TABLE}\s*\(", re.IGNORECASE)
_INSERT = re.compile(rf"INSERT\s+INTO\s+{_TABLE}\s*VALUES\s*\(", re.IGNORECASE)
_ROWS_ELSEWHERE = re.compile(rf"SET\s+TABLE\s+{_TABLE}\s+INDEX\b", re.IGNORECASE)
_TOKEN = re.compile(r"""(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|[^"'(),])+|[(),]""")
_VALUE = re.compile(r"\s*(?:'([^']*(?:''[^']*)*)'|([^\s',()]+))\s*([,)])")
_NUMBER = re.compile(r"-?[0-9]{1,30}")
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]*)?(?:E-?[0-9]+)?", re.IGNORECASE)
_UNITS = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_KEYWORDS = {"NULL": None, "TRUE": True, "FALSE": False}
_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")

# {table: names of its columns}
Columns = dict[str, list[str]]

_BEGINNING = re.compile(rb"\s*(?:/\*|--|(?:SET|CREATE|ALTER|GRANT|INSERT)\s)", re.IGNORECASE)


class _Unreadable(Exception):
    """A line is not what its beginning promises; the text is the reason."""


def is_script(beginning: bytes) -> bool:
    """Return whether a file that begins with these bytes may be a script of HSQLDB."""
    return _BEGINNING.match(beginning) is not None


def read_script(lines: Iterable[bytes]) -> Iterator[SourceRow | BadRow]:
    """Yield the rows of Restcomm's tables from the lines of a script, as bytes, one by one."""
    columns: Columns = {}
    for number, line in enumerate(lines, 1):
        try:
            row = _read_line(_decode(line), columns, f"line {number}")
        except _Unreadable as error:
            yield BadRow(f"line {number}", str(error))
        else:
            if row is not None:
                yield row


def _decode(line: bytes) -> str:
    # HSQLDB writes ASCII; what an editor saved over it is UTF-8 or ISO-8859-1.
    try:
        return line.decode().strip()
    except UnicodeDecodeError:
        return line.decode("iso-8859-1").strip()


def _read_line(line: str, columns: Columns, where: str) -> SourceRow | None:
    """Return the row of an INSERT into one of our tables; note a CREATE's in ``columns``."""
    if line[:6].upper() == "INSERT":
        return _read_insert(line, columns, where)
    if (create := _CREATE.match(line)) and (table := _table(create)):
        columns[table] = _read_columns(line, create.end())
    elif (elsewhere := _ROWS_ELSEWHERE.match(line)) and (table := _table(elsewhere)):
        raise _Unreadable(f"the rows of {table} are not in the script but in its .data file")
    return None


def _read_insert(line: str, columns: Columns, where: str) -> SourceRow | None:
    insert = _INSERT.match(line)
    if insert is None:
        raise _Unreadable("the line is cut off, or does not go on with VALUES")
    table = _table(insert)
    if table is None:
        return None
    if table not in columns:
        raise _Unreadable(f"no CREATE TABLE {table} stands before it")
    values = list(_read_values(line, insert.end()))
    if len(values) != len(columns[table]):
        raise _Unreadable(
            f"{table} has {len(columns[table])} columns, and here are {len(values)} values"
        )
    return SourceRow(table, dict(zip(columns[table], values)), where)


def _table(match: re.Match[str]) -> str | None:
    """Return the name of our table that a statement is about, or None."""
    schema, name = _plain_name(match["schema"] or "public"), _plain_name(match["table"])
    return name if name in MODELS and schema.lower() == "public" else None


def _plain_name(name: str) -> str:
    """Return a name without its quotes, or in lower case where it has none."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _read_columns(line: str, position: int) -> list[str]:
    """List the names of the columns between the parentheses of a CREATE."""
    names: list[str] = []
    depth, begins = 1, True
    for token in _TOKEN.finditer(line, position):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return names
        if begins:
            name = re.match(_NAME, token[0].strip())
            if name is None:
                break
            if name[0].upper() not in _CONSTRAINTS:
                names.append(_plain_name(name[0]))
        begins = token[0] == "," and depth == 1
    raise _Unreadable("the columns of this table cannot be read")


def _read_values(line: str, position: int) -> Iterator[object]:
    """Yield the values up to the parenthesis that ends the line."""
    separator = ","
    while separator == ",":
        value = _VALUE.match(line, position)
        if value is None:
            raise _Unreadable("the line is cut off, or a value in it is neither text nor number")
        text, word, separator = value.groups()
        yield _read_word(word) if text is None else _read_string(text)
        position = value.end()
    if line[position:].strip(" ;"):
        raise _Unreadable("something stands behind the values")


def _read_word(word: str) -> object:
    if word.upper() in _KEYWORDS:
        return _KEYWORDS[word.upper()]
    if _NUMBER.fullmatch(word):
        return int(word)
    if _DECIMAL.fullmatch(word):
        return float(word)
    raise _Unreadable(f"{word!a} is neither text nor number")


def _read_string(text: str) -> str:
    text = text.replace("''", "'")
    return _UNITS.sub(_join_units, text) if "\\u" in text else text


def _join_units(match: re.Match[str]) -> str:
    """Join references of UTF-16 units; half a pair stays, for ``rows`` to refuse."""
    units = bytes.fromhex(match[0].replace("\\u", ""))
    return units.decode("utf-16-be", "surrogatepass")
