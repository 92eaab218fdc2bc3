"""The text that ``script.py`` fills in. ``$name`` is replaced; all else is printed as it stands."""

HEADER = '''
"""$backbone fine-tuned on $data.

A plain script: it needs torch, timm, $packages, and a CPU.
$origin
Run it with a file name as its argument to write the history there.
"""

import csv
import math
import os
import sys
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from timm.data import create_transform, resolve_model_data_config
from torch.nn import functional

$settings
$place

CLASSES = $classes

# The network from input to output, and which parts of it learn.
STAGES = $stages
STATES = $states
'''

_DEAL = """
thumbnails = np.stack([thumbnail(read(i)) for i in range(len(labels))])
groups = near_identical_groups(thumbnails, np.array([max(read(i).shape[:2]) for i in range(len(labels))]))
split = split_samples(labels, groups, $deal)
"""

DIGITS = (
    """
# The data: 1,797 handwritten digits that come with scikit-learn, 17 grey levels spread over 0..255.
from sklearn.datasets import load_digits

digits = load_digits()
pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
labels = digits.target.astype(np.int64)


def read(i: int) -> np.ndarray:
    return np.stack([pixels[i]] * 3, axis=2)

"""
    + _DEAL
)

FACES = (
    """
# The data: a hundred faces and a hundred pieces of background that come with scikit-image.
from skimage.data import lfw_subset

pixels = np.round(lfw_subset() * 255).astype(np.uint8)
labels = np.repeat([1, 0], 100).astype(np.int64)


def read(i: int) -> np.ndarray:
    return np.stack([pixels[i]] * 3, axis=2)

"""
    + _DEAL
)

_FILES = """
def readable(path: str) -> bool:
    try:
        decode_image(path, 64)
    except Exception:
        print(f"set aside, cannot be read: {path}")
        return False
    return True


rows = [row for row in rows if readable(row[0])]
paths = [path for path, _, _ in rows]
labels = np.array([CLASSES.index(label) for _, label, _ in rows])
given = np.array([part for _, _, part in rows]) if rows[0][2] else None


def read(i: int) -> np.ndarray:
    return decode_image(paths[i])


small = [decode_image(path, 64) for path in paths]
groups = near_identical_groups(
    np.stack([thumbnail(image) for image in small]), np.array([max(image.shape[:2]) for image in small])
)
split = split_samples(labels, groups, given, $deal)
"""

FOLDER = (
    """
# The data: one folder of pictures a class, or such folders inside train, val and test.
ROOT = Path($path)
PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
PARTS |= {"test": "test", "testing": "test"}
ENDINGS = "png jpg jpeg jpe jfif bmp gif webp avif tif tiff ppm pgm pbm pnm jp2 j2k".split()
LITTER = {"thumbs.db", "desktop.ini", "__macosx"}


def visible(folder: Path, folders: bool) -> list[Path]:
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    shown = [p for p in entries if not p.name.startswith(".") and p.name.lower() not in LITTER]
    return [p for p in shown if (p.is_dir() and not p.is_symlink()) == folders]


def pictures(folder: Path) -> list[Path]:
    here = [p for p in visible(folder, False) if p.suffix.lower()[1:] in ["", *ENDINGS]]
    here = [p for p in here if not p.is_symlink() or (p.resolve().is_relative_to(ROOT) and p.is_file())]
    return here + [path for below in visible(folder, True) for path in pictures(below)]


tops = visible(ROOT, True)
parts = {PARTS[p.name.lower()]: p for p in tops if p.name.lower() in PARTS}
if not ("train" in parts and visible(parts["train"], True)):
    parts = {"": ROOT}
elif len(parts) < len(tops):
    if sum(p.name.lower() in PARTS for p in tops) > 1:
        sys.exit(f"{ROOT} holds more than one folder a split: {', '.join(p.name for p in tops)}")
    parts = {"": ROOT}
rows = [
    (str(path), folder.name, part)
    for part, top in parts.items()
    for folder in visible(top, True)
    for path in pictures(folder)
]

"""
    + _FILES
)

TABLE = (
    """
# The data: a table with columns path, label and perhaps split; relative paths start from its folder.
TABLE = Path($path)
with TABLE.open(newline="", encoding="utf-8") as file:
    listed = list(csv.DictReader(file, delimiter=$separator))
rows = [(str(TABLE.parent / row["path"]), row["label"], row.get("split", "")) for row in listed]

"""
    + _FILES
)

ARRAYS = """
# The data: arrays that tlwidgets saved, with their splits.
with np.load($path, allow_pickle=False) as stored:
    pixels, labels, split = stored["images"], stored["labels"], stored["split"]


def read(i: int) -> np.ndarray:
    image = pixels[i]
    if image.ndim == 2:
        return np.stack([image] * 3, axis=2)
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
"""

STAGE_SCALES = """
# Every parameter's share of the learning rate: all of it for the head, little for what has learned before.
scales = {name: 1.0 if belongs(name, "head") else BACKBONE_SCALE for name, _ in model.named_parameters()}
"""

LAYER_SCALES = """
# Every parameter's share of the learning rate: it shrinks with each layer down from the head.
layers = timm.models.group_parameters(model, model.group_matcher(coarse=False), reverse=True)
depths = layer_depths(layers, {name for name in layers if belongs(name, "head")})
scales = {name: LAYER_DECAY**depth for name, depth in depths.items()}
"""

START_AT_ZERO = """
for name in $heads:  # the noise of a random head would bend what was learned before
    for parameter in model.get_submodule(name).parameters():
        torch.nn.init.zeros_(parameter)"""

TRAINING = '''
# The network: what is not pre-trained is drawn from the seed.
torch.manual_seed(SEED)
$build
config = resolve_model_data_config(model)
mean, std = torch.tensor(config["mean"]).view(1, -1, 1, 1), torch.tensor(config["std"]).view(1, -1, 1, 1)
resize = create_transform(**config, is_training=False, use_prefetcher=True)  # timm's own geometry, uint8 to uint8
prepared = torch.stack([torch.as_tensor(resize(Image.fromarray(read(i)))) for i in range(len(labels))])
targets = torch.from_numpy(labels)


def normalise(batch: torch.Tensor) -> torch.Tensor:
    return (batch.float() / 255 - mean) / std


# Freeze: no gradients, and evaluation mode, so that neither BatchNorm nor dropout does anything new.
def belongs(name: str, stage: str) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in STAGES[stage])


def train_mode() -> None:
    model.train()
    for name, module in model.named_modules():
        if any(state == "frozen" and belongs(name, stage) for stage, state in STATES.items()):
            module.training = False


$scales
groups = []
for stage, state in STATES.items():
    members = {name: p for name, p in model.named_parameters() if belongs(name, stage)}
    for parameter in members.values():
        parameter.requires_grad_(state == "trainable")
    learning = {name: p for name, p in members.items() if p.requires_grad}
    for scale in dict.fromkeys(scales[name] for name in learning):
        some = [p for name, p in learning.items() if scales[name] == scale]
        matrices, vectors = [p for p in some if p.ndim > 1], [p for p in some if p.ndim <= 1]
        for decay, kept in ((WEIGHT_DECAY, matrices), (0.0, vectors)):  # norms and biases are not decayed
            if kept:
                groups.append({"params": kept, "weight_decay": decay, "scale": scale})
optimizer = (
    torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=0.9)
    if OPTIMIZER == "sgd"
    else torch.optim.AdamW(groups, lr=LEARNING_RATE)
)


def evaluate(part: str) -> tuple[float, float]:
    """Loss and accuracy of a split."""
    model.eval()
    indices = np.flatnonzero(split == part)
    loss, hits = 0.0, 0
    with torch.inference_mode():
        for chunk in np.array_split(indices, -(-len(indices) // BATCH_SIZE)) if len(indices) else []:
            logits = model(normalise(prepared[torch.from_numpy(chunk)]))
            loss += float(functional.cross_entropy(logits, targets[chunk], reduction="sum"))
            hits += int((logits.argmax(1) == targets[chunk]).sum())
    return (loss / len(indices), hits / len(indices)) if len(indices) else (math.nan, math.nan)


# Train.
train = np.flatnonzero(split == "train")
full, rest = divmod(len(train), BATCH_SIZE)
steps = full + (rest > 1 or (rest == 1 and full == 0))  # BatchNorm cannot learn from a batch of one
history, best, step = [], (-1.0, -math.inf), 0
best_epoch, best_weights = 0, None
for epoch in range(1, EPOCHS + 1):
    torch.manual_seed(SEED * 100_003 + epoch)
    generator = torch.Generator().manual_seed(SEED * 100_003 + epoch)
    train_mode()
    order = torch.randperm(len(train), generator=generator).numpy()
    if VIEWS:  # so many augmented views of each image, used in turn
        table = torch.rand(
            len(train), $numbers, generator=torch.Generator().manual_seed(SEED * 100_003 + 2**40 + (epoch - 1) % VIEWS)
        )
    total, hits, count = 0.0, 0, 0
    for position in range(steps):
        some = order[position * BATCH_SIZE : (position + 1) * BATCH_SIZE]
        chunk = train[some]
        $images
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * rate_factor(SCHEDULE, step, EPOCHS * steps, WARMUP) * group["scale"]
        logits = model(images)
        loss = functional.cross_entropy(logits, $goal, label_smoothing=$smoothing)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        total += loss.item() * len(chunk)
        hits += int((logits.argmax(1) == targets[chunk]).sum())
        count += len(chunk)
    val_loss, val_accuracy = evaluate("val")
    history.append((epoch, total / count, hits / count, val_loss, val_accuracy))
    print(f"epoch {epoch}: train loss {total / count:.4f}, val loss {val_loss:.4f}, val accuracy {val_accuracy:.4f}")
    if math.isnan(val_loss) or (val_accuracy, -val_loss) > best:
        best, best_epoch = (val_accuracy, -val_loss), epoch
        best_weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if PATIENCE is not None and epoch - best_epoch >= PATIENCE:
        break

model.load_state_dict(best_weights)
test_loss, test_accuracy = evaluate("test")
print(f"test: loss {test_loss:.4f}, accuracy {test_accuracy:.4f} (weights of epoch {best_epoch})")
if len(sys.argv) > 1:
    with open(sys.argv[1], "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"])
        writer.writerows(history)
'''
