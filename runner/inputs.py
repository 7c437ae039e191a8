"""What a model is to see: from the datasets' folder where the runner is trusted, else fetched."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner import blobs
from runner.cache import Cache
from runner.contract import DatasetManifest, Evaluation
from runner.datasets.version import SplitFile, images_at, read_manifest, split_file
from runner.failures import Refusal
from runner.transfer import is_link


@dataclass(frozen=True)
class Inputs:
    """Images uint8 [n, h, w, c] of each split of an evaluation, in its order."""

    manifest: DatasetManifest
    splits: tuple[SplitFile, ...]
    datasets: Path | None  #: where the labels are; None on a runner that must not see them


@contextmanager
def inputs_of(evaluation: Evaluation, cache: Cache | None = None) -> Iterator[Inputs]:
    """Have the images here as long as the block lasts.

    Raises Refusal: E_TASK, E_RUNNER_DATASET or E_RUNNER_FETCH where they are not to be had, and
    HANDED_BACK where the links to them have expired.
    """
    if not evaluation.splits:
        raise Refusal("E_TASK", got="no split to score")
    if evaluation.datasets:
        yield _from_folder(evaluation)
        return
    manifest = evaluation.manifest
    if manifest is None or len(evaluation.inputs) != len(evaluation.splits):
        raise Refusal("E_RUNNER_DATASET", got="neither a folder of datasets nor images")
    _refuse_other_task(evaluation, manifest)
    if not all(is_link(blob.url) for blob in evaluation.inputs):
        yield Inputs(manifest, _from_files(evaluation, manifest), None)
        return
    with (cache or Cache.of_this_host()).files(evaluation.inputs) as paths:
        splits = zip(evaluation.splits, paths, strict=True)
        images = tuple(images_at(path, manifest, split) for split, path in splits)
        yield Inputs(manifest, images, None)


def _from_folder(evaluation: Evaluation) -> Inputs:
    try:
        datasets = blobs.local_path(evaluation.datasets)
    except ValueError as error:
        raise Refusal("E_RUNNER_DATASET", got=str(error)) from error
    manifest = read_manifest(datasets, evaluation.dataset)
    _refuse_other_task(evaluation, manifest)
    splits = tuple(split_file(datasets, manifest, split) for split in evaluation.splits)
    return Inputs(manifest, splits, datasets)


def _from_files(evaluation: Evaluation, manifest: DatasetManifest) -> tuple[SplitFile, ...]:
    """Images in a folder that the bot and this runner share: as trusted as the bot's own."""
    found = []
    for split, blob in zip(evaluation.splits, evaluation.inputs, strict=True):
        with blobs.opened(blob):
            found.append(images_at(blobs.local_path(blob.url), manifest, split))
    return tuple(found)


def _refuse_other_task(evaluation: Evaluation, manifest: DatasetManifest) -> None:
    if manifest.task != evaluation.task:
        raise Refusal("E_TASK", expected=evaluation.task, got=manifest.task)
