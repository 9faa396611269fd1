"""What the parameters of several resources have in common: readers of texts, tables of readers.

A reader turns the text of a parameter into the value of a column, or raises InvalidParameter (400),
which names the parameter as it was given: a form's field or an option of the command line.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from restcomm_apps.errors import InvalidParameter
from restcomm_apps.formats.escapes import IMPOSSIBLE_IN_XML

FRIENDLY_NAME_LENGTH = 64
STORABLE_RULE = "hold only characters that the database can store"

# The texts of parameters by their names.
Texts = Mapping[str, str]
# The values of columns by their names: texts, booleans, None, as Peewee takes them.
Values: TypeAlias = dict[str, Any]


class Parameter(NamedTuple):
    """A parameter, the column that it fills, and ``read(text, name)``, its reader."""

    name: str
    column: str
    read: Callable[[str, str], object]


def read_all(texts: Texts, parameters: Collection[Parameter]) -> Values:
    """Read the parameters that are among ``texts``, in the order of their table."""
    return {column: read(texts[name], name) for name, column, read in parameters if name in texts}


def read_friendly_name(text: str, name: str) -> str:
    """Read a FriendlyName."""
    if not 1 <= len(text) <= FRIENDLY_NAME_LENGTH:
        raise InvalidParameter(name, f"have 1 to {FRIENDLY_NAME_LENGTH} characters")
    if IMPOSSIBLE_IN_XML.search(text):
        raise InvalidParameter(name, "not hold a character that XML 1.0 cannot carry")
    return text


def read_word(text: str, name: str, words: Sequence[str]) -> str:
    """Read one of some words, in any case."""
    word = text.lower()
    if word not in words:
        raise InvalidParameter(name, f"be {', '.join(words[:-1])} or {words[-1]}")
    return word


def read_flag(text: str, name: str) -> bool:
    """Read true or false, in any case."""
    flag = {"true": True, "false": False}.get(text.lower())
    if flag is None:
        raise InvalidParameter(name, "be true or false")
    return flag
