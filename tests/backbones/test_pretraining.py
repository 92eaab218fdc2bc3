import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from tlwidgets.backbones.pretraining import statistics
from tlwidgets.backbones.pretraining.__main__ import main, parse, shorten
from tlwidgets.backbones.pretraining.batches import DrawnImages
from tlwidgets.backbones.pretraining.bundle import write_bundle
from tlwidgets.backbones.pretraining.card import write_card
from tlwidgets.backbones.pretraining.loop import Pretraining
from tlwidgets.backbones.pretraining.recipes import RECIPES, PretrainingRecipe, find_recipe
from tlwidgets.errors import BackboneError, TrainingError

TINY = PretrainingRecipe(
    "tiny",
    model_args={"channels": [4, 4, 8, 8], "stem_width": 4},
    families={"shapes": 1.0},
    image_size=32,
    batch_size=8,
    warmup_steps=2,
)


@pytest.fixture(scope="module")
def shapes() -> DrawnImages:
    return DrawnImages({"shapes": 1.0}, 32, seed=0)


def start(out: Path, steps: int = 6, recipe: PretrainingRecipe = TINY, seed: int = 0) -> Pretraining:
    return Pretraining(recipe, out, seed=seed, steps=steps, progress=False)


def weights(run: Pretraining) -> dict[str, torch.Tensor]:
    return run.learner.state_dict()


def test_a_batch_is_a_function_of_its_seed(shapes: DrawnImages) -> None:
    images, labels = shapes.batch(16, (0, 1))
    again, same_labels = shapes.batch(16, (0, 1))
    other, _ = shapes.batch(16, (0, 2))
    assert torch.equal(images, again)
    assert torch.equal(labels, same_labels)
    assert not torch.equal(images, other)


def test_images_are_in_range_and_of_the_size_asked_for(shapes: DrawnImages) -> None:
    images, labels = shapes.batch(64, (0, 1))
    assert images.shape == (64, 3, 32, 32)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < images.max() <= 1
    assert 0 <= labels.min() <= labels.max() < len(shapes.class_names)


def test_excluded_classes_are_never_drawn() -> None:
    without = DrawnImages({"shapes": 1.0}, 32, seed=0, excluded_classes=("shape face",))
    assert "shape face" not in without.class_names
    assert without.batch(400, (0, 0))[1].max() == len(without.class_names) - 1


def test_statistics_tell_colours_apart_and_fine_grain_from_coarse() -> None:
    red, green = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    red[:, 0], green[:, 1] = 1, 1
    assert (statistics.describe(red) - statistics.describe(green)).abs().max() > 0.9
    rows = torch.arange(32)
    fine = (rows % 2).float().view(1, 1, 32, 1).expand(1, 3, 32, 32)
    coarse = (rows // 8 % 2).float().view(1, 1, 32, 1).expand(1, 3, 32, 32)
    down_at_the_finest_scale = 6 + 64 + 1
    found = [statistics.describe(images)[0, down_at_the_finest_scale] for images in (fine, coarse)]
    assert found[0] > found[1]
    assert statistics.describe(fine).shape == (1, statistics.COUNT)


def test_an_interrupted_run_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    whole = start(tmp_path / "whole")
    whole.run()
    broken = start(tmp_path / "broken")
    for _ in range(3):
        broken.advance()
    broken.save()
    resumed = start(tmp_path / "broken")
    resumed.restore()
    resumed.run()
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, weights(resumed)[name]), name


def test_a_recipe_that_follows_another_goes_on_from_its_weights(tmp_path: Path) -> None:
    first = start(tmp_path / "first", steps=2)
    first.run()
    second = Pretraining(
        replace(TINY, name="second", palette_weight=1.0),
        tmp_path / "second",
        seed=0,
        steps=2,
        after=first,
        progress=False,
    )
    for name, tensor in weights(first).items():
        assert torch.equal(tensor, weights(second)[name]), name
    second.run()
    assert second.parts == [first, second]
    assert not torch.equal(weights(first)["painter.weight"], weights(second)["painter.weight"])
    recipe = replace(second.recipe, follows=first.recipe)
    second.recipe = recipe
    facts = write_bundle(second, tmp_path)
    assert facts["images"] == 4 * TINY.batch_size


def test_the_length_of_a_run_is_shared_among_its_parts(tmp_path: Path) -> None:
    first = replace(TINY, name="first", steps=30)
    whole = replace(TINY, follows=first, steps=10)
    options = parse(["tiny", "--steps", "100"])
    assert shorten(options, first, whole).steps == 75
    assert shorten(options, replace(whole, follows=None), whole).steps == 25


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    first, second = start(tmp_path / "a"), start(tmp_path / "b", seed=1)
    assert not torch.equal(first.learner.describer.weight, second.learner.describer.weight)


def test_resuming_refuses_the_checkpoint_of_another_recipe(tmp_path: Path) -> None:
    start(tmp_path).save()
    with pytest.raises(TrainingError, match="of another recipe"):
        start(tmp_path, recipe=replace(TINY, learning_rate=1.0)).restore()


def test_resuming_without_a_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="without --resume"):
        start(tmp_path).restore()


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    run = start(tmp_path)
    with torch.no_grad():
        run.learner.describer.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="step 0"):
        run.run()


def test_the_bundle_loads_through_timm_with_the_network_s_own_answers(tmp_path: Path) -> None:
    run = start(tmp_path / "training", steps=2)
    run.run()
    facts = write_bundle(run, tmp_path)
    write_card(tmp_path)
    model = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), run.learner.backbone(images), atol=2e-2, rtol=2e-2)
    assert next(model.parameters()).dtype == torch.float32
    assert facts["images"] == 16
    assert facts["sha256"] in (tmp_path / "CARD.md").read_text()


def test_the_card_says_where_the_backbone_is_good_and_where_it_is_bad(tmp_path: Path) -> None:
    run = start(tmp_path / "training", steps=1)
    run.run()
    write_bundle(run, tmp_path)

    def row(pretrained: float) -> dict[str, list[list[float]]]:
        return {"pretrained": [[pretrained, 1.0]], "random network": [[60.0, 1.0]], "pixels": [[50.0, 1.0]]}

    rows = {"digits": row(90.0), "photos": row(40.0), "faces": row(61.0)}
    (tmp_path / "targets.json").write_text(json.dumps({"draws": 5, "shots": [5], "rows": rows}))
    write_card(tmp_path)
    card = (tmp_path / "CARD.md").read_text()
    assert "Good at digits: +30.0 points over the untrained network" in card
    assert "Bad at photos: -20.0 points over the untrained network" in card
    assert "No gain at faces" in card


def test_the_config_names_every_class_and_the_preprocessing(tmp_path: Path) -> None:
    run = start(tmp_path / "training", steps=1)
    run.run()
    write_bundle(run, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    state = safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert len(config["pretrained_cfg"]["label_names"]) == config["num_classes"] == len(state["fc.bias"])
    assert config["pretrained_cfg"]["input_size"] == [3, 32, 32]


def test_every_recipe_mixes_families_whose_shares_sum_to_one() -> None:
    for recipe in RECIPES.values():
        assert sum(recipe.families.values()) == pytest.approx(1), recipe.name


def test_an_unknown_name_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tlw_nothing"]) == 1
    assert "tlw_resnet" in capsys.readouterr().err
    with pytest.raises(BackboneError):
        find_recipe("tlw_nothing")
