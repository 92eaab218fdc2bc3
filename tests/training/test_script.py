from __future__ import annotations

import ast
import csv
import os
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.training.script_parts import FOLDER

COLUMNS = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]


def _same_history(recipe: tlw.Recipe, tmp_path: Path) -> None:
    run = tlw.fit(recipe, tmp_path / "run", progress=False)
    script = tmp_path / "script.py"
    text = recipe.to_script(script)
    assert "import tlwidgets" not in text
    assert script.read_text("utf-8") == text
    # A stand-in that cannot be imported: the script must not need the package.
    (tmp_path / "tlwidgets.py").write_text("raise ImportError('the script imports tlwidgets')")
    subprocess.run(
        [sys.executable, str(script), str(tmp_path / "history.csv")], check=True, cwd=tmp_path, env=_one_thread()
    )
    theirs = pd.read_csv(tmp_path / "history.csv")
    np.testing.assert_array_equal(theirs[COLUMNS].to_numpy(), run.history[COLUMNS].to_numpy())


def _one_thread() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def test_the_script_of_a_folder_repeats_the_history_to_the_bit(tiny: str, picture_folder: Path, tmp_path: Path) -> None:
    (picture_folder / "across" / "broken.png").write_bytes(b"")
    (picture_folder / "across" / "notes.txt").write_text("not a picture")
    (picture_folder / "down" / "deeper").mkdir()
    Image.fromarray(np.full((16, 16, 3), 99, np.uint8)).save(picture_folder / "down" / "deeper" / "a.png")
    (picture_folder / "down" / ".hidden.png").write_bytes(b"")
    plan = {"stem": "frozen", "stage1": "frozen"}
    recipe = tlw.Recipe(
        data=picture_folder,
        backbone=tiny,
        plan=plan,
        epochs=3,
        batch_size=16,
        augmentation="flip",
        learning_rate=0.01,
        layer_decay=0.5,
        warmup=0.3,
    )
    _same_history(recipe, tmp_path)


def test_the_script_of_saved_arrays_repeats_the_history_to_the_bit(tiny: str, stripes: Any, tmp_path: Path) -> None:
    tlw.load_data(stripes).save(tmp_path / "saved")
    recipe = tlw.Recipe(
        data=tmp_path / "saved" / "data.npz",
        backbone=tiny,
        epochs=2,
        optimizer="sgd",
        schedule="one_cycle",
        method_options={"label_smoothing": 0.1},
        weight_decay=0,
    )
    _same_history(recipe, tmp_path)


@pytest.mark.parametrize(("augmentation", "views"), [("light+crop+colour+mixup", None), ("mirror+crop", 2)])
def test_the_script_makes_joined_changes_to_the_bit(
    tiny: str, picture_folder: Path, tmp_path: Path, augmentation: str, views: int | None
) -> None:
    recipe = tlw.Recipe(data=picture_folder, backbone=tiny, epochs=3, batch_size=16, learning_rate=0.01)
    _same_history(recipe.replace(augmentation=augmentation, views=views), tmp_path)


@pytest.mark.slow
def test_the_script_of_feature_extraction_repeats_the_history_to_the_bit(
    tiny: str, picture_folder: Path, tmp_path: Path
) -> None:
    recipe = tlw.Recipe(data=picture_folder, backbone=tiny, method="feature_extraction", epochs=2, learning_rate=0.1)
    _same_history(recipe, tmp_path)


def test_the_script_of_feature_extraction_is_that_of_a_plan_by_which_the_head_alone_learns(
    tiny: str, picture_folder: Path
) -> None:
    recipe = tlw.Recipe(data=picture_folder, backbone=tiny, method="feature_extraction")
    plan = {"*": "frozen", "head": "trainable"}
    assert recipe.to_script() == recipe.replace(method="fine_tuning", plan=plan).to_script()
    with pytest.raises(RecipeError, match="feature_extraction with C"):
        recipe.replace(method_options={"C": 1.0}).to_script()
    with pytest.raises(RecipeError, match="'stem' learns in this plan"):
        recipe.replace(plan={"head": "trainable"}).to_script()


def test_a_method_without_a_script_is_answered_with_those_that_have_one() -> None:
    with pytest.raises(RecipeError, match="'l2_sp' yet, only of fine_tuning and feature_extraction"):
        tlw.Recipe(data="digits", method="l2_sp").to_script()


def test_a_written_script_takes_the_weights_of_a_bundled_network_along(picture_folder: Path, tmp_path: Path) -> None:
    recipe = tlw.Recipe(data=picture_folder, epochs=1)
    text = recipe.to_script(tmp_path / "mine" / "script.py")
    assert sorted(path.name for path in (tmp_path / "mine").rglob("*") if path.is_file()) == [
        "config.json",
        "model.safetensors",
        "script.py",
    ]
    place = next(line for line in text.splitlines() if line.startswith("WEIGHTS = "))
    names: dict[str, Any] = {"Path": Path, "__file__": str(tmp_path / "mine" / "script.py")}
    exec(place, names)
    assert names["WEIGHTS"] == tmp_path / "mine" / "script_weights"
    assert str(Path(tlw.__file__).parent) not in text
    head = ast.get_docstring(ast.parse(recipe.to_script())) or ""
    assert "folder WEIGHTS, which belongs to the tlwidgets" in head
    assert "scikit" not in head
    with pytest.raises(RecipeError, match="cannot be written"):
        recipe.to_script(tmp_path / "mine" / "script.py" / "below.py")


def test_the_script_refuses_a_folder_beside_the_splits_too(tmp_path: Path) -> None:
    for name in ("train", "test", "models"):
        (tmp_path / name / "a").mkdir(parents=True)
    part = Template(FOLDER).substitute(path=repr(str(tmp_path)), deal="")
    with pytest.raises(SystemExit, match="more than one folder a split: models, test, train"):
        exec(part, {"Path": Path, "sys": sys})


def test_the_script_of_a_table_with_tabs_reads_tabs(tiny: str, picture_folder: Path) -> None:
    rows = [f"{path}\t{path.parent.name}" for path in sorted(picture_folder.rglob("*.png"))]
    table = picture_folder / "list.tsv"
    table.write_text("\n".join(["path\tlabel", *rows]))
    text = tlw.Recipe(data=table, backbone=tiny).to_script()
    read = text[text.index("TABLE = Path(") : text.index("def readable(")]
    names: dict[str, Any] = {"Path": Path, "csv": csv}
    exec(read, names)
    assert len(names["rows"]) == 60
    assert names["rows"][0][1:] == ("across", "")


@pytest.mark.slow
def test_the_script_of_the_digits_repeats_the_history_to_the_bit(tmp_path: Path) -> None:
    data = {"name": "digits", "options": {"labels_per_class": 10, "seed": 3}}
    recipe = tlw.Recipe(data=data, backbone="tlw_resnet", plan={"stem": "frozen"}, epochs=2, patience=5)
    recipe = recipe.replace(schedule="constant", warmup=0.5)
    _same_history(recipe, tmp_path)


def test_data_that_a_script_cannot_read_are_refused(recipe: tlw.Recipe) -> None:
    with pytest.raises(RecipeError, match=r"cannot be read without tlwidgets.*save"):
        recipe.to_script()


def test_a_hostile_folder_name_stays_text_in_the_script(tiny: str, picture_folder: Path) -> None:
    hostile = picture_folder.parent / '"""; raise SystemExit(9)  # \\'
    picture_folder.rename(hostile)
    text = tlw.Recipe(data=hostile, backbone=tiny, epochs=1).to_script()
    tree = ast.parse(text)
    assert isinstance(tree.body[0], ast.Expr)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "SystemExit"]
