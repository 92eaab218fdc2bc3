"""The command line: what it prints, what it keeps, and how it fails."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tlwidgets import cli, errors, lab, lessons


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Every test works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TLW_DEBUG", raising=False)
    return tmp_path


@pytest.fixture
def pictures(tmp_path):
    """A folder of two classes that differ in colour, 20 images each, no two alike."""
    rng = np.random.default_rng(0)
    for name, colour in (("dark", 40), ("light", 200)):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(20):
            noise = rng.integers(-40, 40, (24, 24, 3))
            Image.fromarray((colour + noise).astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "pictures"


def tlwidgets(*arguments):
    """Run one command in this process."""
    return cli.main([str(argument) for argument in arguments])


def test_train_prints_a_table_and_keeps_the_run(pictures, capsys):
    code = tlwidgets("train", pictures, "--freeze-until", "stage3", "--epochs", 2, "--lr", 0.01, "--out", "runs/first")
    output = capsys.readouterr().out
    assert code == 0
    assert "40 images of 2 classes" in output
    assert re.search(r"epoch +train_loss", output)
    assert re.search(r"Test accuracy \d+\.\d%", output)
    recipe = yaml.safe_load(Path("runs/first/recipe.yaml").read_text())
    assert recipe["epochs"] == 2
    assert recipe["learning_rate"] == 0.01
    assert recipe["plan"]["stem"] == recipe["plan"]["stage3"] == "frozen"
    assert recipe["plan"]["head"] == "trainable"
    assert json.loads(Path("runs/first/metrics.json").read_text())["test"]["accuracy"] >= 0


def test_a_recipe_runs_from_its_file_to_the_same_numbers(pictures, capsys):
    assert tlwidgets("train", pictures, "--epochs", 1, "--out", "runs/first") == 0
    first = Path("runs/first/metrics.json").read_text()
    assert tlwidgets("run", "runs/first/recipe.yaml", "--out", "runs/second") == 0
    assert json.loads(Path("runs/second/metrics.json").read_text()) == json.loads(first)


def test_a_finished_run_resumes_to_its_own_result(pictures, capsys):
    assert tlwidgets("train", pictures, "--epochs", 1, "--out", "runs/first") == 0
    before = Path("runs/first/metrics.json").read_text()
    assert tlwidgets("resume", "runs/first") == 0
    assert Path("runs/first/metrics.json").read_text() == before


def test_unreadable_images_are_named_and_the_rest_is_used(pictures, capsys):
    (pictures / "dark" / "broken.png").write_text("not an image")
    assert tlwidgets("train", pictures, "--epochs", 1, "--out", "runs/first") == 0
    output = capsys.readouterr().out
    assert "1 file set aside" in output
    assert "broken.png" in output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "no/such/folder"], "no/such/folder"),
        (["train", "digits", "--backbone", "tlw_resnt"], "tlw_resnet"),
        (["train", "digits", "--backbone", "tlw_resnt", "--freeze-until", "stage1"], "tlw_resnet"),
        (["train", "digits", "--freeze-until", "stage99"], "stage99"),
        (["train", "digits", "--freeze-until", "head"], ""),
        (["train", "digits", "--lr", "nan"], "learning_rate"),
        (["train", "digits", "--lr", "-1"], "learning_rate"),
        (["train", "digits", "--epochs", "0"], "epochs"),
        (["run", "no.yaml"], "no.yaml"),
        (["run", "wrong.yaml"], "learning_rate"),
        (["run", "binary.yaml"], "binary.yaml"),
        (["resume", "no/such/run"], "no/such/run"),
        (["lab", "--lesson", "99"], "99"),
    ],
)
def test_a_mistake_is_one_message_on_stderr_and_leaves_nothing_behind(arguments, told, own_folder, capsys):
    (own_folder / "wrong.yaml").write_text("data: digits\nlearning_rat: 0.1\n")
    (own_folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    before = sorted(own_folder.rglob("*"))
    assert tlwidgets(*arguments) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("tlwidgets: ")
    assert told in message
    assert "Traceback" not in message
    assert sorted(own_folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--epochs", 0], "epochs"),
        (["--augmentation", "bogus"], "augmentation"),
        (["--freeze-until", "stage99"], "stage99"),
        (["--out", "taken"], "already taken"),
    ],
)
def test_a_mistake_is_told_before_the_data_are_read(arguments, told, own_folder, monkeypatch, capsys):
    import tlwidgets as tlw

    (own_folder / "taken").mkdir()
    (own_folder / "taken" / "thesis.txt").write_text("precious")
    monkeypatch.setattr(tlw, "load_data", lambda *_, **__: pytest.fail("the data were read"), raising=False)
    assert tlwidgets("train", "digits", *arguments) == 2
    assert told in capsys.readouterr().err


def test_an_empty_folder_is_refused_with_what_to_do(own_folder, capsys):
    (own_folder / "empty").mkdir()
    assert tlwidgets("train", "empty") == 2
    assert "empty" in capsys.readouterr().err


def test_a_run_that_exists_is_not_overwritten(pictures, capsys):
    assert tlwidgets("train", pictures, "--epochs", 1, "--out", "runs/first") == 0
    before = {path: path.read_bytes() for path in Path("runs/first").iterdir() if path.is_file()}
    assert tlwidgets("train", pictures, "--epochs", 1, "--out", "runs/first") == 2
    assert {path: path.read_bytes() for path in Path("runs/first").iterdir() if path.is_file()} == before


def test_what_was_not_foreseen_is_told_without_a_traceback(monkeypatch, capsys):
    monkeypatch.setattr(lessons, "list_lessons", lambda: 1 / 0)
    assert tlwidgets("lessons", "list") == 1
    message = capsys.readouterr().err
    assert "ZeroDivisionError" in message
    assert "tlwidgets doctor" in message
    assert "Traceback" not in message


def test_the_traceback_can_be_asked_for(monkeypatch):
    monkeypatch.setattr(lessons, "list_lessons", lambda: 1 / 0)
    monkeypatch.setenv("TLW_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        tlwidgets("lessons", "list")


def test_an_interrupt_ends_with_130(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(lessons, "list_lessons", interrupt)
    assert tlwidgets("lessons", "list") == 130


def test_a_torch_that_does_not_fit_its_torchvision_is_recognised_anywhere():
    assert "torch torchvision" in cli.describe(RuntimeError("operator torchvision::nms does not exist"))


def test_an_option_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        tlwidgets("train", "digits", "--epoch", "3")
    assert stop.value.code == 2
    assert "--epoch" in capsys.readouterr().err


def test_lessons_are_listed_with_their_titles(capsys):
    assert tlwidgets("lessons", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("00_studio")
    assert len(lines[0].split(maxsplit=1)[1]) > 5


def test_a_copied_lesson_is_never_overwritten(own_folder):
    copy = lessons.open_lesson("00", own_folder)
    copy.write_text("my own work")
    assert lessons.open_lesson("00", own_folder).read_text() == "my own work"


def test_a_folder_that_cannot_be_written_is_told(own_folder):
    with pytest.raises(errors.TlwError, match="Cannot write"):
        lessons.open_lesson("00", own_folder / "does" / "not" / "exist")


def test_what_lab_does_not_know_goes_to_jupyter(monkeypatch, capsys):
    started = []
    monkeypatch.setattr(os, "execv", lambda program, command: started.append(command))
    tlwidgets("lab", "--no-browser", "--port", "8899")
    assert started[0][-3:] == ["--no-browser", "--port", "8899"]
    assert "--LabApp.default_url=/lab/tree/00_studio.ipynb" in started[0]
    assert Path("00_studio.ipynb").is_file()


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_only_root_needs_leave_to_run_as_root(monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)  # Windows has none
    assert ("--allow-root" in lab.lab_command(Path("a.ipynb"), [])) == allowed


@pytest.mark.slow
def test_lab_starts_on_the_studio_and_prints_an_address_that_answers(own_folder, monkeypatch):
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(own_folder / name.lower()))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "tlwidgets", "lab", "--no-browser", "--port", port]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = first_address(server, port)
        assert "/lab/tree/00_studio.ipynb?token=" in address
        assert "JupyterLab" in read_when_up(address)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)
    assert (own_folder / "00_studio.ipynb").is_file()


def read_when_up(address):
    """What an address answers; on a busy machine the server prints it before it listens."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=20) as page:
                assert page.status == 200
                return page.read().decode()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def first_address(server, port):
    """The first address with this port that the server prints, within a minute."""
    seen = ""
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        if select.select([server.stdout], [], [], 1)[0]:
            seen += server.stdout.readline()
            if found := re.search(rf"http://\S+:{port}/\S+", seen):
                return found.group()
    raise AssertionError(f"no address in:\n{seen}")


@pytest.mark.slow
def test_faces_train_from_a_terminal(own_folder):
    from skimage.data import lfw_subset

    for number, face in enumerate(lfw_subset()):  # the first 100 are faces, the others are not
        folder = own_folder / "photos" / ("face" if number < 100 else "other")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((face * 255).astype(np.uint8)).save(folder / f"{number:03}.png")
    command = [sys.executable, "-m", "tlwidgets", "train", "photos", "--freeze-until", "stage3", "--out", "runs/faces"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    accuracy = float(re.search(r"Test accuracy ([\d.]+)%", result.stdout).group(1))
    assert accuracy > 70
    assert "Traceback" not in result.stderr
