"""The generator as a module, and processes that reach no network."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load_generator():
    """Import notebooks/generate.py, which is a script and no part of the package."""
    spec = importlib.util.spec_from_file_location("notebooks_generate", ROOT / "notebooks" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def generate():
    return load_generator()


@pytest.fixture
def offline(tmp_path):
    """Environment of a process that reaches this machine only, runs on one thread and keeps its files to itself."""
    path = os.pathsep.join([str(Path(__file__).parent / "offline"), os.environ.get("PYTHONPATH", "")]).rstrip(
        os.pathsep
    )
    home = {name: str(tmp_path / name) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    graders = {"TLW_STRICT": "", "NBGRADER_EXECUTION": ""}
    return {**os.environ, **home, **graders, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
