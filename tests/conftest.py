"""What many tests share: a tiny network in timm's own format, a tiny task, one thread, one seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TINY_CHANNELS = [8, 8, 16, 16]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process (``--dist loadgroup``); a lesson's long ones go wherever there is room."""
    for item in items:
        given = getattr(item, "callspec", None)
        lesson = given.params.get("name", getattr(given.params.get("claim"), "lesson", "")) if given else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name}{lesson if 'slow' in item.keywords else ''}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the lessons took, as their tests measured it; each report carries its own, from whichever process."""
    reports = [report for word in ("passed", "failed") for report in terminalreporter.getreports(word)]
    measured = [dict(report.user_properties) for report in reports if report.when == "call"]
    lessons = sorted((each["lesson"], each["seconds"], each["megabytes"]) for each in measured if "lesson" in each)
    if lessons:
        terminalreporter.section("what each lesson takes above its imports, on one thread")
        terminalreporter.line(f"{'lesson':28} {'CPU seconds':>11} {'memory, MB':>11}")
    for name, seconds, megabytes in lessons:
        terminalreporter.line(f"{name:28} {seconds:11.1f} {megabytes:11.0f}")


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    np.random.seed(0)  # noqa: NPY002  libraries draw from it


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a network of 12,000 parameters at 16 pixels, "local-dir:<path>", with random "pre-trained" weights."""
    import timm
    import torch
    from timm.models import save_for_hf

    torch.set_num_threads(1)
    torch.manual_seed(7)
    args: dict[str, Any] = {"channels": TINY_CHANNELS, "stem_width": 4}
    model = timm.create_model("resnet10t", num_classes=5, pretrained=False, **args)
    model.pretrained_cfg |= {"input_size": (3, 16, 16), "crop_pct": 1.0, "mean": (0.5,) * 3, "std": (0.25,) * 3}
    folder = tmp_path_factory.mktemp("backbones") / "tiny"
    save_for_hf(model, str(folder), model_args=args, safe_serialization=True)
    return f"local-dir:{folder}"


@pytest.fixture(scope="session")
def stripes() -> tuple[np.ndarray, np.ndarray]:
    """Sixty noisy pictures, uint8 (60, 16, 16, 3): stripes across, stripes down, and plain; easy to tell apart."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = rng.integers(90, 130, (60, 16, 16, 3))
    images[labels == 0, ::4] += 100
    images[labels == 1, :, ::4] += 100
    return images.astype(np.uint8), np.array(["across", "down", "plain"])[labels]


@pytest.fixture
def recipe(tiny: str, stripes: tuple[np.ndarray, np.ndarray]) -> Any:
    """A run of a second: the tiny network on the stripes."""
    from tlwidgets import Recipe, load_data

    return Recipe(
        data=load_data(stripes), backbone=tiny, epochs=2, learning_rate=0.01, backbone_scale=1.0, batch_size=16
    )


@pytest.fixture
def picture_folder(tmp_path: Path, stripes: tuple[np.ndarray, np.ndarray]) -> Path:
    """The stripes as PNG files, one folder a class."""
    from PIL import Image

    for number, (image, label) in enumerate(zip(*stripes, strict=True)):
        folder = tmp_path / "pictures" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:02d}.png")
    return tmp_path / "pictures"


WORDS = [
    "the",
    "a",
    "film",
    "is",
    "was",
    "not",
    "very",
    "lovely",
    "awful",
    "good",
    "bad",
    "plot",
    "end",
    "box",
    "it",
    "i",
]


@pytest.fixture(scope="session")
def text_encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Writes an encoder of a transformers configuration, random weights, with a tokeniser of few words; its name."""
    transformers = pytest.importorskip("transformers", reason='transformers is not installed: pip install ".[text]"')
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    def write(kind: str, **options: Any) -> str:
        folder = tmp_path_factory.mktemp(kind)
        numbers = {word: at for at, word in enumerate(["[CLS]", "[PAD]", "[SEP]", "[UNK]", *WORDS])}
        tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)]
        )
        special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
        config = transformers.AutoConfig.for_model(kind, vocab_size=24, pad_token_id=1, **options)
        torch.manual_seed(3)
        transformers.AutoModel.from_config(config).save_pretrained(folder)
        return f"hf:{folder}"

    return write


@pytest.fixture(scope="session")
def tiny_text(text_encoder: Callable[..., str]) -> str:
    """Name of a BERT of three layers and 16 numbers a token, "hf:<path>", with random "pre-trained" weights."""
    size = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
    return text_encoder("bert", max_position_embeddings=40, **size)


@pytest.fixture(scope="session")
def opinions() -> tuple[list[str], list[str]]:
    """Forty texts of five to nine known words: "lovely" or "good" in one class, "awful" or "bad" in the other."""
    rng = np.random.default_rng(0)
    plain = [word for word in WORDS if word not in {"lovely", "good", "awful", "bad", "not"}]
    texts = []
    for number in range(40):
        words = list(rng.choice(plain, rng.integers(4, 9), replace=False))
        mark = [["lovely", "good"], ["awful", "bad"]][number % 2][rng.integers(2)]
        texts.append(" ".join([*words, mark]))
    return texts, ["positive", "negative"] * 20


@pytest.fixture
def nan_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the loss become nan at a step; 42 training images, 16 a batch, are three steps an epoch."""

    def let(step: int) -> None:
        import torch

        from tlwidgets.training.learner import Learner

        learn = Learner.learn

        def broken(learner: Any, batch: Any, rate: float) -> Any:
            if batch.step + 1 == step:
                with torch.no_grad():
                    next(learner.backbone.model.parameters()).fill_(torch.nan)
            return learn(learner, batch, rate)

        monkeypatch.setattr(Learner, "learn", broken)

    return let
