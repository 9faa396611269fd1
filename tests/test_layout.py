"""The house: a room imports only rooms below it, only at module level, and has no cycle inside."""

import ast
import configparser
import re
from graphlib import TopologicalSorter

import pytest

from .support.documentation import ROOT, read, table_after

PACKAGE = ROOT / "restcomm_apps"
# {room: its floor}, the top floor first; a room is a folder or a module of the package.
FLOORS = {
    room: floor
    for floor, row in enumerate(table_after(read("docs/layout.md"), "| rooms"))
    for room in re.findall(r"`([a-z_]+)[/.]", row[0])
}


def name_of(path):
    """Name a module by its path in the package: ``store.schema``, and ``store`` for a folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in PACKAGE.rglob("*.py")}
MODULES = sorted(PATHS)


def room_of(module):
    return module.partition(".")[0]


def imported_names(module):
    """List what a module imports, each as a name with dots from its package on."""
    names = []
    for node in ast.walk(ast.parse(PATHS[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            folder = PATHS[module].parent.relative_to(PACKAGE.parent).parts
            within = folder[: len(folder) - node.level + 1] if node.level else ()
            base = ".".join([*within, *filter(None, [node.module])])
            names += [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def imported_modules(module):
    """List the modules of this package that a module imports."""
    imported = []
    for name in imported_names(module):
        package, _, rest = name.partition(".")
        if package == PACKAGE.name:
            imported.append(rest if rest in PATHS else rest.rpartition(".")[0])
    return imported


IMPORTS = {module: imported_modules(module) for module in MODULES}


def test_every_module_has_a_room():
    assert {room_of(module) for module in MODULES if module} == FLOORS.keys()


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_rooms_below(module):
    for name in IMPORTS[module]:
        if name and room_of(name) != room_of(module):
            assert FLOORS[room_of(name)] > FLOORS[room_of(module)], f"{module} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_only_web_and_what_is_above_it_know_http(module):
    if module and FLOORS[room_of(module)] > FLOORS["web"]:
        packages = {name.partition(".")[0] for name in imported_names(module)}
        assert packages.isdisjoint({"flask", "werkzeug", "gunicorn", "flask_httpauth"})


def test_no_modules_import_each_other():
    # Raises CycleError.
    tuple(TopologicalSorter(IMPORTS).static_order())


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_at_its_top(module):
    tree = ast.parse(PATHS[module].read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert all(node in tree.body for node in imports)


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
