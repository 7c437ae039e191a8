"""Which reader a source is for: told by the task and by how the source looks."""

from dataclasses import dataclass, replace
from pathlib import Path

from runner.contract import Task
from runner.datasets.npz import load_npz
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source

_FORMS = {
    "classification": "a folder of class folders, a .npz file, or IMAGES,LABELS (IDX)",
    "detection": "FOLDER,INSTANCES.json (COCO) or a .npz file",
    "segmentation": "IMAGES,MASKS (two folders) or a .npz file",
}


@dataclass(frozen=True)
class Reading:
    """How all splits of a dataset are read."""

    task: Task = "classification"
    resize: Resize | None = None
    classes: Path | None = None  #: a file with the names of the classes (segmentation)
    attributes: Path | None = None  #: a CSV or JSON file of attributes by file name
    most: int | None = None  #: images of a split, of which more are sampled


def load_source(text: str, how: Reading | None = None) -> Source:
    """Read the split that ``text`` names. Raises DatasetError."""
    from runner.datasets.attributes import attributes_of

    how = how or Reading()
    try:
        found = _load(text, how)
    except OSError as error:
        raise DatasetError(f"{text}: cannot be read ({error.strerror or error})") from error
    if how.attributes is None:
        return found
    attributes, warnings = attributes_of(how.attributes, found.names, text)
    return replace(
        found,
        attributes={**found.attributes, **attributes},
        warnings=(*found.warnings, *warnings),
    )


def _load(text: str, how: Reading) -> Source:
    from runner.datasets.coco import load_coco
    from runner.datasets.folders import load_folder
    from runner.datasets.idx import load_idx
    from runner.datasets.masks import load_masks

    first, comma, second = text.partition(",")
    if text.lower().endswith(".npz"):
        return load_npz(Path(text), how.task)
    if how.task == "classification" and Path(text).is_dir():
        return load_folder(Path(text), resize=how.resize, most=how.most)
    if how.task == "classification" and comma:
        return load_idx(Path(first), Path(second))
    if how.task == "detection" and second.lower().endswith(".json"):
        return load_coco(Path(first), Path(second), resize=how.resize, most=how.most)
    if how.task == "segmentation" and comma:
        return load_masks(
            Path(first), Path(second), resize=how.resize, classes=how.classes, most=how.most
        )
    raise DatasetError(f"{text} is not {_FORMS[how.task]}")
