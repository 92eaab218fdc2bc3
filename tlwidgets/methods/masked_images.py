"""Masked image modelling: hide most patches of an image and let a vision transformer say what was there.

Xie, Zhang, Cao, Lin, Bao, Yao, Dai, Hu (2022), "SimMIM: a simple framework for masked image modeling", CVPR, arXiv
2111.09886. Hidden patches enter as one learned token in their place; one linear layer behind the last block answers
with their pixels; the L1 loss counts hidden patches only. No label takes part. It needs more images and epochs than
contrastive pretraining, and its features serve fine-tuning better than a linear probe. Measured on scanned digits, two
thousand steps of a small transformer, three seeds (``benchmarks/results/methods.md``): with all labels it reaches 95 %,
but after filling in, fine-tuning on twenty labels a class is 2.4 ± 2.9 points below the same from random weights, 69 %,
and a linear model far below one on pixels. So short a practice learns the median of each place and little beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError
from tlwidgets.training.hiding import hidden_patches
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.probing import pretraining_stream
from tlwidgets.training.stream import Stream

DATA_OPTIONS = ("unlabelled",)
TRAINS_HEAD = False  # no label takes part: the head stays as it was, and its answers say nothing
_FAR = 2**43  # its own range of seeds


def patches(images: torch.Tensor, side: int) -> torch.Tensor:
    """Images (N, C, H, W) cut into squares, row by row: (N, L, C * side * side)."""
    return functional.unfold(images, side, stride=side).transpose(1, 2)


def draw_mask(n: int, length: int, share: float, generator: torch.Generator) -> torch.Tensor:
    """Which patches are hidden, bool (n, length): the same number in every image."""
    hidden = round(share * length)
    return torch.rand(n, length, generator=generator).argsort(1) < hidden


def masked_l1(predicted: torch.Tensor, pixels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of (N, L, P) over hidden patches alone, a scalar."""
    return (predicted - pixels).abs().mean(2)[mask].mean()


class Filler(nn.Module):
    """What stands in for hidden patches, and what answers with their pixels; thrown away after pretraining."""

    def __init__(self, width: int, pixels: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(width))
        self.decoder = nn.Linear(width, pixels)


@dataclass
class MaskedImages:
    """Pretraining by filling in.

    Attributes:
        stream: Deals the images.
        vit: timm's vision transformer.
        modules: The learned token and the decoder.
        share: Share of the patches that are hidden.
        seed: Of the masks.
    """

    stream: Stream
    vit: Any
    modules: Filler
    share: float
    seed: int
    cacheable: ClassVar[bool] = False

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss of one batch of the stream; the run's own batch only tells the step."""
        images = self.stream.beside(batch, "weak").images
        generator = torch.Generator().manual_seed(self.seed * 100_003 + _FAR + batch.step)
        pixels = patches(images, self.vit.patch_embed.patch_size[0])
        mask = draw_mask(len(images), pixels.shape[1], self.share, generator).to(images.device)
        loss = masked_l1(self.fill_in(model, images, mask), pixels, mask)
        return StepResult(loss, len(images), 0, {"filled_in": loss.item()})

    def fill_in(self, model: nn.Module, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the network makes of all patches (N, L, P) where those of the mask (N, L) are hidden."""
        with hidden_patches(self.vit, mask, self.modules.token) as seen:
            model(images)
        answer: torch.Tensor = self.modules.decoder(seen[0][:, self.vit.num_prefix_tokens :])
        return answer

    def select(self, row: dict[str, float]) -> float:  # noqa: ARG002  no label may choose
        """The latest epoch counts as the best."""
        return float("nan")


def make(setting: Setting, unlabelled: ImageData | None = None, share: float = 0.6) -> MaskedImages:
    """Makes the method from a recipe's options.

    Args:
        setting: The run, with one of timm's vision transformers, such as "tlw_vit"; its labels are not looked at.
        unlabelled: Images to learn from; by default the run's own, with and without labels.
        share: Share of the patches that are hidden, above 0 and below 1; the paper's is 0.6.

    Raises:
        RecipeError: The network is no vision transformer, or so few or many patches cannot be hidden.
        DataError: There are fewer than two images.
    """
    vit: Any = setting.backbone.model
    if not isinstance(vit, VisionTransformer) or vit.dynamic_img_size:
        raise RecipeError(f"{setting.backbone.name!r} has no row of patches to hide.", "Use a ViT, such as tlw_vit.")
    length = vit.patch_embed.num_patches
    if not 0 < share < 1 or not 0 < round(share * length) < length:
        raise RecipeError(f"share is {share!r} of {length} patches.", "Give a share above 0 and below 1.")
    pixels = vit.patch_embed.proj.in_channels * vit.patch_embed.patch_size[0] ** 2
    filler = Filler(vit.embed_dim, pixels)
    return MaskedImages(pretraining_stream(setting, unlabelled), vit, filler, share, setting.recipe.seed)
