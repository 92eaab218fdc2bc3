import unicodedata

import numpy as np
import pytest

from tlwidgets.backbones.sources import FAMILIES, build_bank, fractals, glyphs, scenes, shapes, strokes
from tlwidgets.backbones.sources.bank import Bank, draw_bank, generator_for
from tlwidgets.backbones.sources.fields import cells, cloud
from tlwidgets.backbones.sources.textures import KINDS, draw_texture, settings
from tlwidgets.errors import BackboneError


@pytest.fixture(scope="module")
def drawn_shapes() -> Bank:
    return build_bank("shapes", seed=0)


def test_no_glyph_is_a_digit_or_number_of_any_script() -> None:
    for character in glyphs.distinct_characters():
        assert unicodedata.numeric(character, None) is None, character
        assert not unicodedata.category(character).startswith("N")


def test_characters_that_look_alike_in_two_scripts_are_one_class() -> None:
    characters = glyphs.distinct_characters()
    assert "A" in characters
    assert "Α" not in characters  # Greek alpha
    assert "А" not in characters  # Cyrillic a


def test_held_out_fonts_are_in_no_training_picture() -> None:
    assert not set(glyphs.FONTS) & set(glyphs.HELD_OUT_FONTS)
    assert all(glyphs.font_path(name).exists() for name in glyphs.FONTS + glyphs.HELD_OUT_FONTS)


def test_the_same_seed_draws_the_same_pictures(drawn_shapes: Bank) -> None:
    assert np.array_equal(drawn_shapes.pictures, build_bank("shapes", seed=0).pictures)
    assert not np.array_equal(drawn_shapes.pictures, build_bank("shapes", seed=1).pictures)


def test_every_class_has_pictures_for_training_and_pictures_held_out(drawn_shapes: Bank) -> None:
    for label in range(len(drawn_shapes.class_names)):
        kept_back = drawn_shapes.held_out[drawn_shapes.labels == label]
        assert kept_back.sum() == shapes.HELD_OUT
        assert (~kept_back).sum() == shapes.INSTANCES


def test_leaving_a_class_out_keeps_labels_dense_and_the_other_pictures(drawn_shapes: Bank) -> None:
    without = drawn_shapes.without((shapes.CARTOON_FACE,))
    assert set(without.labels) == set(range(len(drawn_shapes.class_names) - 1))
    label = drawn_shapes.class_names.index("shape disc")
    same = without.class_names.index("shape disc")
    assert np.array_equal(drawn_shapes.pictures[drawn_shapes.labels == label], without.pictures[without.labels == same])


def test_a_class_removed_does_not_change_how_another_is_drawn() -> None:
    def draw(label: int, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, 255, (4, 4)).astype(np.uint8)

    both = draw_bank("x", ("a", "b"), draw, seed=0, instances=1, held_out=1)
    one = draw_bank("x", ("b",), draw, seed=0, instances=1, held_out=1)
    assert np.array_equal(both.pictures[both.labels == 1], one.pictures)


@pytest.mark.parametrize("kind", KINDS)
def test_every_texture_varies_between_samples_and_fills_its_range(kind: str) -> None:
    setting = settings(0, kind)[0]
    first = draw_texture(kind, setting, np.random.default_rng(0))
    second = draw_texture(kind, setting, np.random.default_rng(1))
    assert first.shape == (64, 64)
    assert first.dtype == np.uint8
    assert first.std() > 25
    assert not np.array_equal(first, second)


def test_a_fractal_stays_itself_when_its_maps_move_a_little() -> None:
    systems = [fractals.invent_system(0, label) for label in range(3)]
    prints = [fractals.draw_system(system, np.random.default_rng(0)) for system in systems]
    assert all(0.05 < (image > 40).mean() < 0.6 for image in prints)
    assert not np.array_equal(prints[0], prints[1])


def test_a_bezier_stroke_runs_from_its_first_control_point_to_its_last() -> None:
    points = np.array([[0.1, 0.2], [0.9, 0.1], [0.3, 0.8], [0.7, 0.6]])
    path = strokes.bezier(points)
    np.testing.assert_allclose(path[[0, -1]], points[[0, 3]])


def test_scene_patches_held_out_share_no_pixel_column_with_training_patches() -> None:
    columns = np.arange(scenes.WIDTH)
    scene = np.broadcast_to(columns[None, :, None], (scenes.HEIGHT, scenes.WIDTH, 3)).astype(np.uint8)
    patches, held_out = scenes.cut_patches(scene, generator_for(0, "test"))
    assert patches[~held_out].max() < patches[held_out].min()


def test_noise_tiles_and_is_standardised() -> None:
    field = cloud(np.random.default_rng(0), 64, slope=2.0)
    assert abs(field.mean()) < 1e-6
    assert abs(field.std() - 1) < 1e-6
    seam = np.abs(field[:, 0] - field[:, -1]).mean()
    inside = np.abs(np.diff(field, axis=1)).mean()
    assert seam < 2 * inside


def test_cells_give_the_nearest_seed_and_the_distance_to_it() -> None:
    near, second, owner = cells(np.random.default_rng(0), 32, 9)
    assert (near <= second).all()
    assert set(np.unique(owner)) <= set(range(9))


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BackboneError, match=next(iter(FAMILIES))):
        build_bank("photographs")
