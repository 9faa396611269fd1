"""The house: a module imports only modules of a lower rank, and only at module level."""

import ast
import configparser

import pytest

from .documentation import ROOT, read, table_after

PACKAGE = ROOT / "restcomm_apps"
RANKS = {row[1].strip("`"): int(row[0]) for row in table_after(read("docs/layout.md"), "| rank")}


def name_of(path):
    """Name a file as docs/layout.md does: ``cli.base``, and ``cli`` for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in PACKAGE.rglob("*.py")}
MODULES = sorted(PATHS)


def imported_modules(module, node):
    """List the names of this package's modules that an import statement in a module names."""
    if isinstance(node, ast.ImportFrom) and node.level:
        folder = PATHS[module].parent.relative_to(PACKAGE).parts
        base = ".".join([*folder[: len(folder) - node.level + 1], *filter(None, [node.module])])
    elif isinstance(node, ast.ImportFrom):
        if not node.module.startswith("restcomm_apps"):
            return []
        base = node.module.partition(".")[2]
    else:
        names = [alias.name.partition(".") for alias in node.names]
        return [rest or "__init__" for package, _, rest in names if package == "restcomm_apps"]
    within = [f"{base}.{alias.name}".strip(".") for alias in node.names]
    return [name if name in RANKS else base or "__init__" for name in within]


def test_every_module_has_a_rank():
    assert sorted(RANKS) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_lower_ranks(module):
    tree = ast.parse(PATHS[module].read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert all(node in tree.body for node in imports), "an import below module level"
    for node in imports:
        for name in imported_modules(module, node):
            assert RANKS[name] < RANKS[module], f"{module} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_module_and_its_public_names_have_docstrings(module):
    tree = ast.parse(PATHS[module].read_text(encoding="utf-8"))
    bodies = [tree.body] + [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
    named = [
        node
        for body in bodies
        for node in body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and node.name != "Meta"
    ]
    assert [node.name for node in [*named] if not ast.get_docstring(node)] == []
    assert ast.get_docstring(tree)


def test_templates_ship_in_the_package():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert "restcomm_apps.templates = templates" in setup["options"]["package_dir"]
