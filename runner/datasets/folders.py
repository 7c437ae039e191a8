"""Reads image folders: ``<folder>/<class>/*.png|jpg…``, the class being the folder's name."""

from pathlib import Path

import numpy as np

from runner.datasets.pictures import Pictures, pictures_in
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source, chosen, named


def load_folder(folder: Path, *, resize: Resize | None, most: int | None = None) -> Source:
    """Return the split in ``folder``, in the order of class and file name.

    One size for all: pictures of another one need ``resize``. Grey stays grey if all are.
    Unreadable files become warnings. Of more than ``most`` files a sample is read. Raises
    DatasetError.
    """
    classes = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not classes:
        raise DatasetError(f"{folder.name}: no class folders; expected {folder.name}/<class>/*.png")
    pictures = Pictures(resize, folder.name)
    files = [
        (label, path) for label, name in enumerate(classes) for path in pictures_in(folder / name)
    ]
    labels = [
        label
        for label, path in (files[place] for place in chosen(len(files), most))
        if pictures.add(path, f"{classes[label]}/{path.name}")
    ]
    return Source(
        pictures.stacked(),
        np.asarray(labels, np.int64),
        named(classes),
        pictures.warnings(),
        **pictures.facts(),
        total=len(files),
    )
