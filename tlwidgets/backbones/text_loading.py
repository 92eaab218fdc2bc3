"""Loads text encoders: all-MiniLM-L6-v2 from its package, any other from a folder or the Hugging Face hub.

Weights come from safetensors only, code from transformers only: nothing that is downloaded is executed.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tlwidgets.backbones.catalogue import weights_cached
from tlwidgets.backbones.connection import HUB, online
from tlwidgets.backbones.minilm import HUB_ID, INSTALL, MAX_LENGTH, MINILM, check_minilm, minilm_package
from tlwidgets.backbones.text_encoder import TextClassifier
from tlwidgets.backbones.tokenising import TextPreprocessing
from tlwidgets.errors import BackboneError

FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
VOCABULARIES = ("tokenizer.json", "vocab.*", "*.model")  # without one, transformers makes an empty tokeniser


def is_text(name: str) -> bool:
    """Whether a name means a text encoder."""
    return name == MINILM or name.startswith("hf:")


def load_text(name: str, pretrained: bool, num_classes: int | None) -> tuple[nn.Module, TextPreprocessing]:
    """Loads a text encoder with its tokeniser and a new head.

    Args:
        name: "minilm", "hf:<folder>" or "hf:<owner>/<name>" of the hub.
        pretrained: Whether to load the pre-trained weights; False draws random ones from torch's generator.
        num_classes: Outputs of the head; 0 and None have none, because encoders come without one.

    Raises:
        BackboneError: transformers is not installed, there is no such encoder, it is neither on this machine nor to
            be had, its weights are not safetensors or not those that they should be, or it is no encoder.
    """
    transformers = _transformers()
    folder = _minilm_folder() if name == MINILM else _hub_folder(name.removeprefix("hf:"))
    if name == MINILM and pretrained:
        check_minilm(folder / "model.safetensors")
    with _told(name), _quiet(transformers):
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        if getattr(config, "is_encoder_decoder", False):
            raise BackboneError(f"{name!r} is an encoder with a decoder.", "Give an encoder such as BERT.")
        if not any(file for pattern in VOCABULARIES for file in folder.glob(pattern)):
            raise BackboneError(f"{name!r} has no tokeniser.", "Save it beside the model, with save_pretrained.")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
        encoder = _encoder(transformers, folder, config, pretrained)
    if tokenizer.pad_token_id is None:
        raise BackboneError(f"The tokeniser of {name!r} has no padding token.", "Give an encoder such as BERT.")
    model = TextClassifier(encoder, tokenizer.pad_token_id, num_classes or 0)
    longest = min(MAX_LENGTH, tokenizer.model_max_length, _positions(config))
    return model.train(), TextPreprocessing(tokenizer, tokenizer.pad_token_id, longest)


def _transformers() -> Any:
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise BackboneError(f"Text encoders need the package transformers: {error}.", f"{INSTALL}.") from error


def _encoder(transformers: Any, folder: Path, config: Any, pretrained: bool) -> nn.Module:
    encoder: nn.Module
    if pretrained:
        encoder = transformers.AutoModel.from_pretrained(
            folder, config=config, use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
    else:
        encoder = transformers.AutoModel.from_config(config, trust_remote_code=False)
    return encoder.to(torch.float32)


def _positions(config: Any) -> int:
    """Tokens that the network has positions for; RoBERTa and its kin never use the first two."""
    return int(getattr(config, "max_position_embeddings", None) or MAX_LENGTH) - 2


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Turns whatever transformers raises over a folder into one sentence."""
    try:
        yield
    except BackboneError:
        raise
    except Exception as error:
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise BackboneError(
            f"The text encoder {name!r} could not be loaded: {first}",
            "Give a folder with config.json, model.safetensors and tokenizer.json, as save_pretrained writes it.",
        ) from error


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keeps progress bars and notes on unused weights (a pooler, a language model's head) from the notebook."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _minilm_folder() -> Path:
    return minilm_package() or _from_hub(HUB_ID, f"Or {INSTALL}, which brings them along.")


def _hub_folder(place: str) -> Path:
    folder = Path(place).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise BackboneError(f"There is no config.json in {str(folder)!r}.", "Give a folder of save_pretrained.")
        return folder
    if folder.is_absolute() or place.startswith(".") or place.count("/") != 1:
        raise BackboneError(
            f"There is no folder {place!r}.", "Give the folder of an encoder, or its owner/name on the hub."
        )
    return _from_hub(place, f"This one works with no network: {MINILM} ({INSTALL}).")


def _from_hub(hub_id: str, hint: str) -> Path:
    from huggingface_hub import snapshot_download

    cached = weights_cached(hub_id)
    if not cached and not online(HUB):
        raise BackboneError(f"The weights of {hub_id!r} are not on this machine and the network does not answer.", hint)
    with _told(f"hf:{hub_id}"):
        return Path(snapshot_download(hub_id, allow_patterns=list(FILES), local_files_only=cached))
