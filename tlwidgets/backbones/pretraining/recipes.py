"""How each bundled backbone is pretrained, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tlwidgets.errors import BackboneError

GENERAL = {"glyphs": 0.28, "strokes": 0.20, "shapes": 0.05, "textures": 0.14, "fractals": 0.05, "scenes": 0.28}
COLOURFUL = {"glyphs": 0.20, "strokes": 0.15, "shapes": 0.03, "textures": 0.14, "fractals": 0.03, "scenes": 0.45}
SMALL_RESNET = {"channels": [24, 48, 96, 192], "stem_width": 8}
SMALL_VIT = {
    "img_size": 40,
    "patch_size": 8,
    "embed_dim": 96,
    "depth": 6,
    "num_heads": 3,
    "class_token": False,
    "global_pool": "avg",
}


@dataclass(frozen=True)
class PretrainingRecipe:
    """Everything that decides a bundled weight file, apart from the seed and the length of the run.

    Attributes:
        name: name of the backbone that the run makes.
        architecture: a timm model name.
        model_args: arguments of that model; plain JSON values, since timm reads them back from config.json.
        families: family of drawn images -> share of each batch; shares sum to 1.
        image_size: height and width that the network sees, in pixels.
        batch_size: images a step.
        learning_rate: AdamW's peak rate, after warm-up and before the linear decay to zero.
        weight_decay: on weight matrices and filters only, not on norms and biases.
        warmup_steps: steps of linear warm-up.
        follows: a recipe that is run first; this one goes on from its weights.
        statistics_weight: weight of the second loss, which keeps colours and contrasts readable (see `statistics`).
        palette_weight: weight of a third loss, cross-entropy of the shares of 64 colours, read from the same features.
        gradient_clip: largest norm of the gradient.
        label_smoothing: share of each label that is spread over all classes, in [0, 1).
        excluded_classes: drawn classes left out, by name.
        steps: default length of the run.
    """

    name: str
    architecture: str = "resnet10t"
    model_args: Mapping[str, Any] = field(default_factory=lambda: dict(SMALL_RESNET))
    families: Mapping[str, float] = field(default_factory=lambda: dict(GENERAL))
    follows: PretrainingRecipe | None = None
    image_size: int = 48
    batch_size: int = 80
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    warmup_steps: int = 150
    statistics_weight: float = 2.0
    palette_weight: float = 0.0
    gradient_clip: float = 5.0
    label_smoothing: float = 0.1
    excluded_classes: tuple[str, ...] = ()
    steps: int = 20_000

    @property
    def total_steps(self) -> int:
        """Default length of the run together with what it follows."""
        return self.steps + (self.follows.total_steps if self.follows else 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as kept in pretraining.json."""
        return asdict(self)


def general(name: str, excluded_classes: tuple[str, ...] = ()) -> PretrainingRecipe:
    """All families, then a shorter part with more colour.

    After the first part alone a linear probe tells patches of colour photographs no better than on a random network.
    """
    first = PretrainingRecipe(f"{name}_first", excluded_classes=excluded_classes, steps=15_000)
    return replace(
        first, name=name, follows=first, families=COLOURFUL, palette_weight=1.0, learning_rate=2e-3, steps=5_000
    )


RECIPES: dict[str, PretrainingRecipe] = {
    recipe.name: recipe
    for recipe in (
        general("tlw_resnet"),
        PretrainingRecipe("tlw_resnet_pen", families={"strokes": 1.0}, steps=4_000),
        PretrainingRecipe("tlw_resnet_texture", families={"textures": 1.0}, steps=4_000),
        PretrainingRecipe(
            "tlw_vit",
            architecture="vit_tiny_patch16_224",
            model_args=SMALL_VIT,
            image_size=40,
            learning_rate=1e-3,
            warmup_steps=500,
            steps=12_000,
        ),
        general("tlw_resnet_no_face", excluded_classes=("shape face",)),
    )
}
"""Name -> recipe. `tlw_resnet_no_face` is not shipped: it is the fair check of the figures on faces."""


def find_recipe(name: str) -> PretrainingRecipe:
    """The recipe of a bundled backbone.

    Raises:
        BackboneError: no recipe has this name.
    """
    if name not in RECIPES:
        raise BackboneError(f"No pretraining recipe is called {name!r}.", hint=f"Use one of {', '.join(RECIPES)}.")
    return RECIPES[name]
