"""YAML files of many applications to rows, as ``bulk_rows`` gives them."""

import yaml

from restcomm_apps.errors import MalformedRequest

_NULL = "tag:yaml.org,2002:null"
_RULE = "The file must be a YAML list of mappings"


def split_yaml(text):
    """Yield the rows of a YAML list of mappings.

    Nothing is made of the text but texts: a scalar is what stands there (``No`` is a name, not
    false), ``~`` and nothing are None. Raises MalformedRequest (400), naming the line.
    """
    document = _compose(text)
    if document is None:
        return
    _require(document, yaml.SequenceNode)
    for row in document.value:
        _require(row, yaml.MappingNode)
        yield _line_of(row), [(_read(name), _read(value)) for name, value in row.value]


def _compose(text):
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark or error.context_mark).line + 1
        raise MalformedRequest(f"The file is not YAML: {error.problem}").at_line(line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MalformedRequest(f"The file is not YAML: {error.reason}").at_line(line) from error
    except RecursionError as error:
        raise MalformedRequest(_RULE) from error


def _require(node, kind):
    if not isinstance(node, kind):
        raise MalformedRequest(_RULE).at_line(_line_of(node))


def _line_of(node):
    return node.start_mark.line + 1


def _read(node):
    """Give a scalar's text; what is none is given as it is, and is no text to anybody."""
    if not isinstance(node, yaml.ScalarNode):
        return node
    return None if node.tag == _NULL else node.value
