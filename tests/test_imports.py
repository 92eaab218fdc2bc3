"""What importing tlwidgets costs, and that all it imports is declared."""

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Where the name to import is not the name to install.
DISTRIBUTION = {"PIL": "pillow", "skimage": "scikit-image", "sklearn": "scikit-learn", "yaml": "pyyaml"}
PACKAGE = Path(__file__).parent.parent / "tlwidgets"


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_import_loads_nothing_heavy():
    heavy = {"torch", "torchvision", "timm", "numpy", "pandas", "matplotlib", "sklearn", "ipywidgets", "IPython"}
    loaded = python("import sys, tlwidgets; print(*sorted({name.partition('.')[0] for name in sys.modules}))")
    assert heavy.isdisjoint(loaded.split())


def test_import_takes_at_most_150_milliseconds():
    timed = "import time; start = time.perf_counter(); import tlwidgets; print(time.perf_counter() - start)"
    assert min(float(python(timed)) for _ in range(3)) <= 0.15


def test_the_command_line_names_its_commands_without_loading_torch():
    loaded = python("import sys, tlwidgets.cli as c; c.build_parser().format_help(); print(*sys.modules)")
    assert {"torch", "numpy", "pandas"}.isdisjoint(loaded.split())


def test_every_public_name_exists_and_the_engine_runs_without_notebook_packages():
    code = (
        "import sys, tlwidgets as tlw\n"
        "tlw.Recipe, tlw.load_data, tlw.load_backbone, tlw.FreezePlan, tlw.TrainingSession, tlw.fit\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
        "print('missing:', *[name for name in tlw.__all__ if not hasattr(tlw, name)])"
    )
    loaded, missing = python(code).splitlines()
    assert {"IPython", "anywidget", "ipywidgets"}.isdisjoint(loaded.split())
    assert missing == "missing:"


def test_every_imported_package_is_a_declared_dependency():
    declared = {
        canonicalize_name(requirement.name)
        for requirement in map(Requirement, metadata.requires("tlwidgets"))
        if requirement.marker is None
    }
    imported = imported_packages() - sys.stdlib_module_names - {"tlwidgets"}
    assert {canonicalize_name(DISTRIBUTION.get(name, name)) for name in imported} <= declared


def imported_packages() -> set[str]:
    """The top-level name of everything that a file of the package imports."""
    names = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.partition(".")[0])
    return names
