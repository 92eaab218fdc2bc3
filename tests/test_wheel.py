"""What people install: the wheel, built and installed into an environment that never saw the checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A widget package that anyone can fetch: weights of 2 MB and small front ends, nothing more.
LARGEST_WHEEL = 12 * 2**20

LABEXTENSION = "share/jupyter/labextensions/tlwidgets"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as pip builds it from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of an environment with the wheel; what it depends on comes from the environment of the tests."""
    interpreter = environment(tmp_path_factory.mktemp("installed"))
    pip("--python", str(interpreter), "install", "--no-deps", str(wheel))
    # A line in a .pth adds a folder without reading the .pth files in it: the editable install stays out of sight.
    (site_packages(interpreter) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return interpreter


def environment(folder):
    """The Python of an environment with nothing in it, not even pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


def pip(*arguments):
    """Run pip quietly; its output is shown only if it fails."""
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


def site_packages(interpreter):
    """Where an environment keeps its packages."""
    return Path(run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())


def run(*command, cwd=None):
    """Run a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def test_the_wheel_holds_front_end_weights_and_lessons(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.startswith("tlwidgets/static/") and name.endswith(".js")]
    assert "tlwidgets/backbones/weights/tlw_resnet/model.safetensors" in names
    assert "tlwidgets/backbones/weights/tlw_resnet/config.json" in names
    assert "tlwidgets/notebooks/00_studio.ipynb" in names


def test_the_wheel_holds_jupyterlabs_extension_with_every_lesson(wheel):
    archive = zipfile.ZipFile(wheel)
    extension = [name.partition(f"{LABEXTENSION}/")[2] for name in archive.namelist() if LABEXTENSION in name]
    assert {"package.json", "install.json", "schemas/tlwidgets/plugin.json", "course/catalogue.json"} <= set(extension)
    inside = {Path(name).name for name in archive.namelist() if name.startswith("tlwidgets/notebooks/")}
    assert {Path(name).name for name in extension if name.endswith(".ipynb")} == inside
    assert not any(name.startswith("tlwidgets/labextension") for name in archive.namelist())


def test_the_wheel_holds_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    extension = f"tlwidgets-{wheel.name.split('-')[1]}.data/data/{LABEXTENSION}/"
    folders = {name.partition("/")[0] for name in names if not name.startswith(extension)}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"tlwidgets"}
    foreign = ("node_modules", "frontend/", "__pycache__", ".ipynb_checkpoints", "tests/", ".ts")
    assert [name for name in names if any(part in name for part in foreign)] == []
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_the_installed_package_loads_its_weights_widgets_and_lessons(installed, tmp_path):
    code = (
        "import numpy as np, tlwidgets as tlw\n"
        "from tlwidgets import doctor, lessons\n"
        "print(tlw.__file__)\n"
        "images = np.zeros((2, 32, 32, 3), np.uint8)\n"
        "assert len(tlw.load_backbone('tlw_resnet').features(images)) == 2\n"
        "tlw.Studio(tlw.load_data('digits'))\n"
        "assert doctor.check_front_end().status == 'ok'\n"
        "assert lessons.list_lessons()[0].name == '00_studio'\n"
    )
    result = run(installed, "-c", code, cwd=tmp_path)
    assert str(installed.parent.parent) in result.stdout


def test_the_installed_command_answers(installed, tmp_path):
    command = installed.with_name("tlwidgets")
    assert run(command, "--version", cwd=tmp_path).stdout.startswith("tlwidgets ")
    assert "00_studio" in run(command, "lessons", "list", cwd=tmp_path).stdout


def test_jupyterlab_lists_the_extension_with_no_node_at_hand(installed, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JUPYTER"))}
    result = subprocess.run(
        [installed, "-m", "jupyterlab.labextensions", "list"],
        cwd=tmp_path,
        env=environment | {"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    (line,) = [line for line in (result.stdout + result.stderr).splitlines() if "tlwidgets" in line and " v" in line]
    assert "enabled" in line
    assert "OK" in line


def test_uninstalling_leaves_nothing_behind(wheel, tmp_path):
    interpreter = environment(tmp_path / "short-lived")
    before = files(tmp_path)
    pip("--python", str(interpreter), "install", "--no-deps", str(wheel))
    assert (tmp_path / "short-lived" / LABEXTENSION / "package.json").is_file()
    pip("--python", str(interpreter), "uninstall", "--yes", "tlwidgets")
    assert files(tmp_path) == before


def files(folder):
    """Everything in a folder but compiled code, and no empty folder of ours."""
    paths = {path for path in folder.rglob("*") if "__pycache__" not in path.parts}
    return {path for path in paths if path.is_file() or "tlwidgets" in path.name}
