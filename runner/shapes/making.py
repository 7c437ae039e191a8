"""``bookwiz-runner shapes``: the shapes world in files, and the models that its boards begin with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from runner.shapes import detectors, segmenters
from runner.shapes.files import SPLITS, Part, split, write_split, write_words
from runner.shapes.fitting import fit_colour, fit_outline


def write_shapes(folder: Path, parts: Mapping[str, Part] = SPLITS) -> list[Path]:
    """Write images, truths and four ONNX models to ``folder``; return the models' paths.

    The same bytes every time. ``parts``: how large each split is. Models lie in ``models/<task>/<name>.onnx``.
    """
    splits = {name: split(name, part) for name, part in parts.items()}
    for name, made in splits.items():
        write_split(folder, name, made)
    write_words(folder, splits)
    train = splits["train"]
    colour, outline = fit_colour(train), fit_outline(train)
    entries = {
        "detection/colour-blobs": detectors.colour_blobs(colour),
        "detection/outline-boxes": detectors.outline_boxes(train, outline),
        "segmentation/colour-pixels": segmenters.colour_pixels(colour),
        "segmentation/outline-pixels": segmenters.outline_pixels(train, outline),
    }
    paths = []
    for name, model in entries.items():
        path = folder / "models" / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString(deterministic=True))
        paths.append(path)
    return paths


def sources(folder: Path, task: Literal["detection", "segmentation"]) -> dict[str, str]:
    """Return what ``dataset add`` reads of each split for one task."""
    truth = "boxes/{}.json" if task == "detection" else "masks/{}"
    return {name: f"{folder}/images/{name},{folder}/{truth.format(name)}" for name in SPLITS}
