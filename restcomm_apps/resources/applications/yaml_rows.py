"""YAML files of many applications to rows, as ``row_formats`` makes them."""

from collections.abc import Iterator

import yaml

from restcomm_apps.errors import MalformedRequest

from .bulk import Row

_NULL = "tag:yaml.org,2002:null"
_RULE = "The file must be a YAML list of mappings"


def split_yaml(text: str) -> Iterator[Row]:
    """Yield the rows of a YAML list of mappings.

    Scalars are read as texts, as they stand there (``No`` is a name, not false); ``~`` and nothing
    are None. Raises MalformedRequest (400), naming the line.
    """
    document = _compose(text)
    if document is None:
        return
    if not isinstance(document, yaml.SequenceNode):
        raise _refusal(document)
    for row in document.value:
        if not isinstance(row, yaml.MappingNode):
            raise _refusal(row)
        yield _line_of(row), [(_read(name), _read(value)) for name, value in row.value]


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        refusal = MalformedRequest(f"The file is not YAML: {error.problem}")
        raise refusal.at_line(None if mark is None else mark.line + 1) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MalformedRequest(f"The file is not YAML: {error.reason}").at_line(line) from error
    except RecursionError as error:
        raise MalformedRequest(_RULE) from error


def _refusal(node: yaml.Node) -> MalformedRequest:
    return MalformedRequest(_RULE).at_line(_line_of(node))


def _line_of(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _read(node: yaml.Node) -> object:
    """Return the text of a scalar, and another node as it is: no reader takes it for a text."""
    if not isinstance(node, yaml.ScalarNode):
        return node
    return None if node.tag == _NULL else node.value
