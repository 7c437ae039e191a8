"""Datasets with planted faults, so that what a check says of them can be counted."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from runner.baselines import digits

PLANTED = 40


def flipped_digits() -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], set[tuple[str, int]]]:
    """Digits of which ``PLANTED`` train labels and ten board labels are wrong, and which these are."""
    rng = np.random.default_rng(5)
    found, wrong = {}, set()
    for split, (images, labels) in digits().items():
        said = labels.copy()
        count = {"train": PLANTED, "board": 10}.get(split, 0)
        for place in rng.choice(len(said), count, replace=False):
            said[place] = (said[place] + rng.integers(1, 10)) % 10
            wrong.add((split, int(place)))
        found[split] = (images, said)
    return found, wrong


def scene(seed: int, side: int = 64, *, light: float = 1.0) -> np.ndarray:
    """A picture that no other seed gives: blobs over a gradient, RGB."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, side)
    pixels = 255 * np.outer(ramp, rng.random(3)).reshape(side, 1, 3) * np.ones((1, side, 1))
    picture = Image.fromarray(pixels.astype(np.uint8))
    brush = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y = rng.integers(0, side, 2)
        r = int(rng.integers(4, side // 3))
        brush.ellipse((x - r, y - r, x + r, y + r), fill=tuple(map(int, rng.integers(0, 256, 3))))
    return (np.asarray(picture) * light).astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **given) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **given)
    return file.getvalue()


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def messy_folders() -> dict[str, bytes]:
    """Class folders with each fault that images can have; see the test for the counts."""
    files = {}
    for split, first, light in (("train", 0, 1.0), ("val", 1000, 0.35)):
        for number in range(60 if split == "train" else 30):
            kind = "cat" if number % 3 else "dog"
            name = f"pets/{split}/{kind}/{number:03}.png"
            files[name] = encoded(scene(first + number, light=light))
    copy = scene(5)
    files["pets/train/dog/copy.png"] = encoded(copy)  # 005 is a cat
    files["pets/train/cat/saved again.jpg"] = encoded(scene(7), "JPEG", quality=70)
    files["pets/val/cat/leak.jpg"] = encoded(scene(8), "JPEG", quality=80)
    files["pets/train/cat/broken.png"] = files["pets/train/cat/001.png"][:200]
    files["pets/train/cat/empty.jpg"] = b""
    files["pets/train/cat/blank.png"] = encoded(np.full((64, 64, 3), 80, np.uint8))
    files["pets/val/bird/only.png"] = encoded(scene(5000, light=0.35))
    files["pets/__MACOSX/train/._001.png"] = b"finder"
    return files


def messy_coco() -> dict[str, bytes]:
    """COCO with boxes that nobody can have meant."""
    files, images, annotations = {}, [], []

    def box(image: int, category: int, *corners: float) -> None:
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": category,
                "bbox": list(corners),
                "area": corners[2] * corners[3],
                "iscrowd": 0,
            }
        )

    for number in range(30):
        files[f"train/{number}.png"] = encoded(scene(number))
        images.append({"id": number, "file_name": f"{number}.png", "height": 64, "width": 64})
        if number < 25:  # five images are without
            box(number, number % 2 + 1, 10, 12, 20, 18)
    box(0, 1, 10, 12, 20, 18)  # again
    box(1, 1, 10, 12, 20, 18)  # of another class
    box(2, 1, 5, 5, 2, 2)
    box(3, 1, 0, 0, 64, 64)
    box(4, 1, 50, 50, 40, 40)  # beyond the edge
    box(5, 1, 10, 10, 0, 5)  # no area
    said = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "ball"}, {"id": 2, "name": "bat"}],
    }
    files["train/_annotations.coco.json"] = json.dumps(said).encode()
    return files


def messy_masks() -> dict[str, bytes]:
    """Masks with specks, one of nothing but background and one where nothing counts."""
    files = {"classes.txt": b"ground\nsky\ntree\n"}
    for number in range(12):
        mask = np.zeros((48, 48), np.uint8)
        mask[:20] = 1
        mask[25:40, 10:30] = 2
        if number == 0:
            mask[45, 45] = mask[44, 44] = 2  # one speck: corners touch
            mask[45, 2] = 1
        if number == 1:
            mask[:] = 0
        if number == 2:
            mask[:] = 255
        files[f"images/{number}.jpg"] = encoded(scene(number, 48), "JPEG")
        files[f"masks/{number}.png"] = encoded(mask)
    return files
