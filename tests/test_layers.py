"""The house: imports only go down, and only the upper floors know of notebooks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tlwidgets"

# From the ground up; a module may import those of the lines above its own, and nothing of its own line but itself.
LAYERS = [
    {"errors"},
    {"augmentations"},
    {"recipe", "lessons"},
    {"data", "backbones"},
    {"freezing"},
    {"training"},
    {"methods"},
    {"evaluation", "explain", "monitoring"},
    {"estimator", "exercises"},
    {"widgets"},
    {"lab"},
    {"doctor"},
    {"cli"},
    {"__main__"},
]
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names}
NOTEBOOK_PACKAGES = {"IPython", "anywidget", "ipykernel", "ipywidgets"}
KNOWS_NOTEBOOKS = FLOOR["exercises"]


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, inside functions too."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def unit_of(path: Path) -> str:
    """The module or sub-package at the top of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def complaints(path: Path) -> Iterator[str]:
    """What a file imports that it should not."""
    unit = unit_of(path)
    for line, name in imports_of(path):
        parts = name.split(".")
        where = f"{path.relative_to(PACKAGE.parent)}:{line} imports {name}"
        if parts[0] in NOTEBOOK_PACKAGES and FLOOR[unit] < KNOWS_NOTEBOOKS:
            yield f"{where}: the engine does not know notebooks"
        if parts[0] != PACKAGE.name or len(parts) == 1 or parts[1] == unit:
            continue
        if parts[1] in FLOOR and FLOOR[parts[1]] >= FLOOR[unit]:
            yield f"{where}: {parts[1]} is not below {unit}"


# The lazy __init__ is the front door to all floors; notebooks lie there only in a built package.
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_module_has_its_floor():
    assert {unit_of(path) for path in SOURCES if "frontend" not in path.parts} <= set(FLOOR)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_go_down(path):
    assert list(complaints(path)) == []


@pytest.mark.parametrize(
    ("unit", "line", "complaint"),
    [
        ("data", "def f():\n    import ipywidgets", "does not know notebooks"),
        ("data", "from tlwidgets.backbones.loading import load", "backbones is not below data"),
        ("data", "from tlwidgets import training", "training is not below data"),
        ("freezing", "from ..training import fit", "training is not below freezing"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_found(tmp_path, monkeypatch, unit, line, complaint):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "tlwidgets")
    path = tmp_path / "tlwidgets" / unit / "module.py"
    path.parent.mkdir(parents=True)
    path.write_text(line)
    found = list(complaints(path))
    assert len(found) == 1
    assert complaint in found[0]
