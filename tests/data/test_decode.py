import ast
import inspect

import numpy as np
import pytest
from PIL import Image

from tlwidgets.data import decode
from tlwidgets.data.decode import decode_image, thumbnail


def test_an_ordinary_png_comes_back_bit_for_bit(tmp_path, picture):
    image = picture(0)
    Image.fromarray(image).save(tmp_path / "a.png")
    assert np.array_equal(decode_image(str(tmp_path / "a.png")), image)


def test_grey_is_repeated_in_three_channels(tmp_path, picture):
    grey = picture(0)[:, :, 0]
    Image.fromarray(grey).save(tmp_path / "a.png")
    image = decode_image(str(tmp_path / "a.png"))
    assert image.shape == (40, 40, 3)
    assert all(np.array_equal(image[:, :, channel], grey) for channel in range(3))


def test_black_and_white_is_0_and_255(tmp_path):
    Image.fromarray(np.eye(8, dtype=bool)).save(tmp_path / "a.png")
    assert np.array_equal(decode_image(str(tmp_path / "a.png"))[:, :, 0], np.eye(8, dtype=np.uint8) * 255)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, ending):
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"a.{ending}")
    assert decode_image(str(tmp_path / f"a.{ending}"))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_floats_up_to_one_are_scaled(tmp_path):
    Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32)).save(tmp_path / "a.tif")
    assert decode_image(str(tmp_path / "a.tif"))[0, :, 0].tolist() == [0, 128, 255]


def test_floats_out_of_range_are_refused(tmp_path):
    Image.fromarray(np.array([[-1.0, 7.0]], dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="from -1 to 7"):
        decode_image(str(tmp_path / "a.tif"))


def test_cmyk_keeps_its_colours(tmp_path):
    Image.new("RGB", (16, 16), (200, 30, 30)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(decode_image(str(tmp_path / "a.jpg")).astype(int) - [200, 30, 30]).max() < 8


def test_a_transparent_palette_colour_becomes_white(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 1), 1)
    image.save(tmp_path / "a.png", transparency=0)
    decoded = decode_image(str(tmp_path / "a.png"))
    assert decoded[0, 0].tolist() == [255, 255, 255]
    assert decoded[1, 1].tolist() == [0, 0, 255]


@pytest.mark.parametrize(("mode", "half_black"), [("RGBA", (0, 0, 0, 128)), ("LA", (0, 128))])
def test_half_transparent_black_on_white_is_grey(tmp_path, mode, half_black):
    Image.new(mode, (4, 4), half_black).save(tmp_path / "a.png")
    assert decode_image(str(tmp_path / "a.png"))[0, 0].tolist() == [127, 127, 127]


def test_a_photo_taken_sideways_stands_upright(tmp_path):
    image = Image.new("RGB", (32, 16), "black")
    image.paste((255, 255, 255), (0, 0, 16, 16))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the left side is the top
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    decoded = decode_image(str(tmp_path / "a.jpg"))
    assert decoded.shape == (32, 16, 3)
    assert decoded[:14].min() > 200
    assert decoded[18:].max() < 50


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert decode_image(str(tmp_path / "a.gif"))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_picture_20000_pixels_wide_is_shrunk(tmp_path, ending):
    Image.new("RGB", (20_000, 100), "navy").save(tmp_path / f"a.{ending}")
    height, width, channels = decode_image(str(tmp_path / f"a.{ending}")).shape
    assert (width, channels) == (2048, 3)
    assert height in (10, 11)


def test_a_jpeg_too_large_for_memory_is_decoded_at_a_fraction_of_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("RGB", (400, 400), "navy").save(tmp_path / "a.jpg")
    assert decode_image(str(tmp_path / "a.jpg"), max_side=64).shape == (64, 64, 3)


def test_a_png_too_large_for_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("RGB", (400, 400), "navy").save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="160000 pixels"):
        decode_image(str(tmp_path / "a.png"))


def test_postscript_is_never_run(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(OSError, match="cannot identify"):
        decode_image(str(tmp_path / "a.png"))


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "tif", "bmp", "webp"])
@pytest.mark.parametrize("max_side", [64, 2048])
def test_a_file_cut_in_half_is_an_error_at_any_size(tmp_path, picture, ending, max_side):
    Image.fromarray(picture(0, 400)).save(tmp_path / f"a.{ending}")
    whole = (tmp_path / f"a.{ending}").read_bytes()
    (tmp_path / f"a.{ending}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises((OSError, ValueError, SyntaxError)):
        decode_image(str(tmp_path / f"a.{ending}"), max_side)


def test_a_thumbnail_is_the_mean_of_each_box(picture):
    image = picture(0, 32)
    means = image.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))
    assert np.abs(thumbnail(image) - means).max() <= 1


def test_the_functions_stand_alone_so_that_a_script_can_carry_them(tmp_path, picture):
    tree = ast.parse(inspect.getsource(decode))
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    scope: dict = {}
    text = "\n".join([*map(ast.unparse, imports), inspect.getsource(decode_image), inspect.getsource(thumbnail)])
    assert "tlwidgets" not in text
    exec(text, scope)
    Image.fromarray(picture(0)).save(tmp_path / "a.png")
    assert scope["thumbnail"](scope["decode_image"](str(tmp_path / "a.png"))).shape == (16, 16, 3)
