"""What a network was pre-trained on, as far as its tag says: "sw_in12k_ft_in1k" names two data sets."""

from __future__ import annotations

import re

# Token of a timm tag or of the name of torchvision's weights -> data set. Tokens that name a recipe, an author or a
# method (augreg, fb, mae) say nothing of the data, so a tag may name none.
_TOKENS = {
    "in1k": "ImageNet-1k",
    "imagenet1k": "ImageNet-1k",
    "in12k": "ImageNet-12k",
    "in21k": "ImageNet-21k",
    "inw21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "cc12m": "CC12M",
    "datacomp1b": "DataComp",
    "datacompxl": "DataComp",
    "dfn2b": "DFN",
    "dfn5b": "DFN",
    "dfndr2b": "DFN",
    "ig1b": "Instagram",
    "swag": "Instagram",
    "swsl": "Instagram",
    "wsl": "Instagram",
    "jft": "JFT-300M",
    "laion2b": "LAION",
    "laion400m": "LAION",
    "laiona": "LAION",
    "lvd142m": "LVD-142M",
    "lvd1689m": "LVD-1689M",
    "merged2b": "Merged-2B",
    "metaclip": "MetaCLIP",
    "metaclip2": "MetaCLIP",
    "openai": "OpenAI's image-text pairs",
    "sa1b": "SA-1B",
    "sat493m": "SAT-493M",
    "webli": "WebLI",
    "yfcc15m": "YFCC100M",
    "yfcc100m": "YFCC100M",
}


def datasets_in(tag: str) -> tuple[str, ...]:
    """Names the data sets that a tag names, each once, in its order; empty where it names none."""
    tokens = re.split(r"[^a-z0-9]+", tag.lower())
    return tuple(dict.fromkeys(_TOKENS[token] for token in tokens if token in _TOKENS))
