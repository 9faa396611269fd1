"""The house: a module imports only modules of a lower rank, and only at module level."""

import ast
import configparser

import pytest

from .documentation import ROOT, read, table_after

PACKAGE = ROOT / "restcomm_apps"
RANKS = {row[1].strip("`"): int(row[0]) for row in table_after(read("docs/layout.md"), "| rank")}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def imported_modules(node):
    """List the names of this package's modules that an import statement names."""
    if isinstance(node, ast.ImportFrom) and node.level:
        if node.module:
            return [node.module.split(".")[0]]
        return [alias.name if alias.name in RANKS else "__init__" for alias in node.names]
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
    return [name.partition(".")[2] or "__init__" for name in names if name.startswith("restcomm_apps")]


def test_every_module_has_a_rank():
    assert MODULES == sorted(RANKS)


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_lower_ranks(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert all(node in tree.body for node in imports), "an import below module level"
    for node in imports:
        for name in imported_modules(node):
            assert RANKS[name] < RANKS[module], f"{module} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_module_and_its_public_names_have_docstrings(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
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
