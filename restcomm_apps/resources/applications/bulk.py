"""Rows about applications: which names a row may hold, and what is to be done with it.

The values are those of forms, by the rules of ``forms``. A bulk's rows and those of a file that
``restcomm-apps apply`` reads are the same, but for the action.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import peewee

from restcomm_apps.errors import (
    InvalidParameter,
    MalformedRequest,
    MissingParameter,
    RestcommError,
)
from restcomm_apps.resources.parameters import STORABLE_RULE, Values, read_word
from restcomm_apps.store.faults import refused_column
from restcomm_apps.store.pauses import Pace

from . import forms
from .representation import APPLICATION

CREATE, UPDATE, REMOVE = ACTIONS = ("create", "update", "remove")

_PARAMETERS = ("Sid", *forms.PARAMETERS)
# What a row of a file may hold, {name: parameter}. Of a list that is sent back the JSON keys count
# as well, and what cannot change is ignored.
FILE_NAMES = {name: name for name in _PARAMETERS} | {
    shown.json: shown.xml
    for shown in APPLICATION.properties
    if shown.json is not None and shown.xml in _PARAMETERS
}
# And one of a bulk.
NAMES = {"Action": "Action", "action": "Action"} | FILE_NAMES
_SHOWN = {name for shown in APPLICATION.properties for name in (shown.xml, shown.json)}
_READ_ONLY = _SHOWN - {*NAMES, None}
_LONGEST_SHOWN_NAME = 40

# A row as the formats of rows have it: the line it begins in, its names and values. A name that is
# no text is known to nobody.
Fields = Sequence[tuple[object, object]]
Row = tuple[int, Fields]
# {parameter: text} of a row.
RowTexts = dict[str, str | None]
# {sid: line} of the rows that were read.
Lines = dict[str, int]


class RowAction(NamedTuple):
    """What is to be done with one application.

    ``line`` is where its row begins, or None; ``sid`` is None for a new one; ``values`` are those
    of columns.
    """

    line: int | None
    action: str
    sid: str | None
    values: Values


@contextmanager
def about_line(line: int | None) -> Iterator[None]:
    """Name a line in the errors that a client may be told; a context manager."""
    try:
        yield
    except RestcommError as error:
        error.at_line(line)
        raise
    except peewee.DataError as error:
        if column := refused_column(error):
            raise forms.refused(column).at_line(line) from error
        raise


def read_actions(rows: Iterable[Row]) -> list[RowAction]:
    """Validate a bulk's rows into RowActions.

    Raises MalformedRequest, MissingParameter, InvalidParameter (400), naming the line.
    """
    actions: list[RowAction] = []
    lines: Lines = {}
    pace = Pace()
    for line, texts in read_texts(rows, NAMES):
        pace.give_way()
        with about_line(line):
            action = _read_action(line, texts)
            require_new(action.sid, lines)
        if action.sid is not None:
            lines[action.sid] = line
        actions.append(action)
    return actions


def read_texts(rows: Iterable[Row], known: Mapping[str, str]) -> Iterator[tuple[int, RowTexts]]:
    """Yield (line, {parameter: text or None}) of rows; None stands for JSON's and YAML's null.

    ``known`` is NAMES or FILE_NAMES. Raises MalformedRequest, InvalidParameter (400), naming the
    line.
    """
    is_empty = True
    for line, fields in rows:
        is_empty = False
        with about_line(line):
            texts = _read_texts(fields, known)
        yield line, texts
    if is_empty:
        raise MalformedRequest("There must be at least one row")


def find_parameters(names: Iterable[object], known: Mapping[str, str]) -> list[str | None]:
    """List the parameter of each name, None for what is ignored; see ``read_texts``.

    Raises InvalidParameter (400) for an unknown name: nobody looks at each reply, so a misspelled
    one would never be noticed. For a parameter that is there twice, too.
    """
    parameters: list[str | None] = []
    for name in names:
        parameter = known.get(name) if isinstance(name, str) else None
        if parameter is None and name not in _READ_ONLY:
            shown = ascii(name[:_LONGEST_SHOWN_NAME] if isinstance(name, str) else "")
            raise InvalidParameter(shown, f"be one of {', '.join(dict.fromkeys(known.values()))}")
        if parameter is not None and parameter in parameters:
            raise InvalidParameter(parameter, "be sent once")
        parameters.append(parameter)
    return parameters


def require_new(sid: str | None, lines: Lines) -> None:
    """Raise InvalidParameter (400) where a sid is a key of ``lines``, {sid: line}, already."""
    if sid is not None and sid in lines:
        raise InvalidParameter("Sid", f"not be that of line {lines[sid]} again")


def _read_texts(fields: Fields, known: Mapping[str, str]) -> RowTexts:
    parameters = find_parameters([name for name, _ in fields], known)
    return {
        parameter: _read_text(value, parameter)
        for parameter, (_, value) in zip(parameters, fields)
        if parameter is not None
    }


def _read_text(value: object, parameter: str) -> str | None:
    if isinstance(value, bool) and parameter in forms.LOOKUPS:
        return "true" if value else "false"
    if value is not None and not isinstance(value, str):
        raise InvalidParameter(parameter, "be a text")
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        # Half a pair of surrogates, which JSON can write.
        raise InvalidParameter(parameter, STORABLE_RULE) from error
    return value


def _read_action(line: int, texts: RowTexts) -> RowAction:
    sid = texts.pop("Sid", None)
    action = texts.pop("Action", None)
    if action is None:
        action = CREATE if sid is None else UPDATE
    action = read_word(action, "Action", ACTIONS)
    if action == CREATE and sid is not None:
        raise InvalidParameter("Sid", "be left out where an application is created")
    if action != CREATE and sid is None:
        raise MissingParameter("Sid")
    return RowAction(line, action, sid, _READERS[action](texts))


def values_to_create(texts: RowTexts) -> Values:
    """Validate the texts of a new application; None is as good as nothing.

    Raises as ``forms.values_to_create``.
    """
    return forms.values_to_create({name: text for name, text in texts.items() if text is not None})


def values_to_update(texts: RowTexts) -> Values:
    """Validate the texts that change an application; None clears. Raises InvalidParameter (400)."""
    return forms.values_to_update({name: text or "" for name, text in texts.items()})


def _no_values(texts: RowTexts) -> Values:
    return {}


_READERS = {CREATE: values_to_create, UPDATE: values_to_update, REMOVE: _no_values}
