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
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    interpreter = folder / "bin" / "python"
    pip("--python", str(interpreter), "install", "--no-deps", str(wheel))
    # A line in a .pth adds a folder without reading the .pth files in it: the editable install stays out of sight.
    (site_packages(interpreter) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return interpreter


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


def test_the_wheel_holds_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.partition("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"tlwidgets"}
    foreign = ("node_modules", "frontend/", "__pycache__", ".ipynb_checkpoints", "tests/", ".ts")
    assert [name for name in names if any(part in name for part in foreign)] == []
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_the_installed_package_loads_its_weights_widgets_and_lessons(installed, tmp_path):
    code = (
        "import numpy as np, tlwidgets as tlw\n"
        "from tlwidgets import doctor, lab\n"
        "print(tlw.__file__)\n"
        "images = np.zeros((2, 32, 32, 3), np.uint8)\n"
        "assert len(tlw.load_backbone('tlw_resnet').features(images)) == 2\n"
        "tlw.Studio(tlw.load_data('digits'))\n"
        "assert doctor.check_front_end().status == 'ok'\n"
        "assert lab.list_lessons()[0].name == '00_studio'\n"
    )
    result = run(installed, "-c", code, cwd=tmp_path)
    assert str(installed.parent.parent) in result.stdout


def test_the_installed_command_answers(installed, tmp_path):
    command = installed.with_name("tlwidgets")
    assert run(command, "--version", cwd=tmp_path).stdout.startswith("tlwidgets ")
    assert "00_studio" in run(command, "lessons", "list", cwd=tmp_path).stdout
