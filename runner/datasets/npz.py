"""Reads numpy archives: ``images`` uint8 [n, h, w(, c)], ``labels`` int [n], ``classes`` perhaps."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from runner.datasets.source import DatasetError, Source, as_images, as_labels, named


def load_npz(path: Path) -> Source:
    """Return the split in ``path``. Raises DatasetError; pickled arrays are never opened."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = {"images", "labels"} - set(archive.files)
            if missing:
                found = ", ".join(archive.files) or "nothing"
                raise DatasetError(
                    f"{path.name}: no array {' and '.join(sorted(missing))}; found {found}"
                )
            images = as_images(archive["images"], path.name)
            labels = as_labels(archive["labels"], len(images), path.name)
            classes = named(archive["classes"].tolist()) if "classes" in archive.files else None
    except (OSError, BadZipFile, ValueError, EOFError) as error:
        raise DatasetError(f"{path.name}: cannot be read ({error})") from error
    return Source(images, labels, classes)
