import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from runner.cli import main
from runner.contract import DatasetManifest
from runner.datasets.adding import Card, add_dataset
from runner.datasets.loading import Reading, load_source
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source
from runner.datasets.truth import IGNORED, Boxes, arrays_of, read_attributes, read_truth
from runner.datasets.version import read_manifest, split_file
from runner.failures import Refusal

CARD = Card("Night Cats", "classification", "CC0", "made up", {})


def source(rows: int = 6, *, seed: int = 0, size: int = 4, classes: int = 3) -> Source:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (rows, size, size, 1), dtype=np.uint8)
    return Source(images, np.arange(rows) % classes, None)


def add(folder: Path, card: Card = CARD, **sources: Source) -> DatasetManifest:
    return add_dataset(card, sources, datasets=folder / "d", artifacts=folder / "a")


def picture(path: Path, value: int, *, size: tuple[int, int] = (4, 4), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, 0, 0)).save(path)


def test_a_version_holds_images_and_labels_apart(tmp_path):
    board = source()
    manifest = add(tmp_path, board=board, dev=source(seed=1))
    assert manifest.key.startswith("night-cats-")
    assert read_manifest(tmp_path / "d", manifest.key) == manifest
    found = split_file(tmp_path / "d", manifest, "board")
    raw = np.fromfile(found.path, np.uint8, offset=found.offset)
    assert (raw == board.images.ravel()).all()
    assert (read_truth(tmp_path / "d", manifest, "board") == board.truth).all()
    assert sorted(p.name for p in (tmp_path / "d" / manifest.key).iterdir()) == [
        "images",
        "labels",
        "manifest.json",
    ]


def test_the_same_content_is_the_same_version_and_other_content_another(tmp_path):
    one = add(tmp_path, board=source())
    assert add(tmp_path, board=source()) == one
    assert add(tmp_path, board=source(seed=1)).key != one.key
    relicensed = Card("Night Cats", "classification", "CC BY", "made up", {})
    assert add(tmp_path, relicensed, board=source()).key != one.key
    assert len(list((tmp_path / "d").iterdir())) == 3


def test_an_interrupted_addition_leaves_no_version(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
    with pytest.raises(OSError, match="power cut"):
        add(tmp_path, board=source())
    assert list((tmp_path / "d").iterdir()) == []


def test_public_splits_can_be_downloaded_and_hidden_ones_cannot(tmp_path):
    manifest = add(tmp_path, train=source(seed=1), board=source(), shadow=source(seed=2))
    assert [download.name for download in manifest.downloads] == ["train.npz"]
    sha = manifest.downloads[0].sha256
    with np.load(tmp_path / "a" / sha[:2] / sha) as archive:
        assert set(archive.files) == {"images", "labels", "classes", "licence", "source"}
        assert archive["classes"].tolist() == ["0", "1", "2"]
        assert str(archive["licence"]) == "CC0"


def test_doubts_are_said(tmp_path):
    board = source(12)
    uneven = Source(board.images, np.array([0] * 11 + [2]), None)
    manifest = add(tmp_path, train=Source(board.images[:2], board.truth[:2], None), board=uneven)
    assert manifest.warnings == (
        "train: 1 classes have no image: 2",
        "board: 1 classes have no image: 1",
        "board: classes are uneven, from 1 to 11 images",
        "2 images of board are in train too",
    )


def test_repeated_images_are_counted(tmp_path):
    board = source(3)
    twice = Source(np.concatenate([board.images] * 2), np.arange(6) % 3, None)
    assert "board: 3 images are there more than once" in add(tmp_path, board=twice).warnings


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"dev": source()}, "needs a board split"),
        ({"board": source(), "dev": source(size=5)}, "one height, width"),
        ({"board": Source(source().images, np.full(6, 3), ("a", "b"))}, "only 2 classes"),
    ],
)
def test_what_cannot_be_a_benchmark_is_refused(tmp_path, sources, words):
    with pytest.raises(DatasetError, match=words):
        add(tmp_path, **sources)


def test_splits_may_name_their_classes_in_different_order(tmp_path):
    one, other = source(2, classes=2), source(2, seed=1, classes=2)
    manifest = add(
        tmp_path,
        dev=Source(one.images, one.truth, ("cat", "dog")),
        board=Source(other.images, other.truth, ("dog", "cat")),
    )
    assert manifest.classes == ("cat", "dog")
    assert read_truth(tmp_path / "d", manifest, "board").tolist() == [1, 0]


def test_folders_are_read_and_broken_files_are_named(tmp_path):
    picture(tmp_path / "s" / "cat" / "1.png", 10)
    picture(tmp_path / "s" / "dog" / "1.png", 20)
    (tmp_path / "s" / "dog" / "2.jpg").write_bytes(b"no picture")
    (tmp_path / "s" / "dog" / "notes.txt").write_text("ignored")
    found = load_source(str(tmp_path / "s"))
    assert found.classes == ("cat", "dog")
    assert found.images[:, 0, 0, 0].tolist() == [10, 20]
    assert found.truth.tolist() == [0, 1]
    assert found.warnings == ("1 files cannot be read and were left out: dog/2.jpg",)


def test_pictures_of_several_sizes_need_a_rule(tmp_path):
    picture(tmp_path / "s" / "cat" / "1.png", 10)
    picture(tmp_path / "s" / "dog" / "1.png", 20, size=(8, 6))
    with pytest.raises(DatasetError, match="2 sizes"):
        load_source(str(tmp_path / "s"))
    found = load_source(str(tmp_path / "s"), Reading(resize=Resize(3, 5)))
    assert found.images.shape == (2, 3, 5, 1)
    assert found.warnings == ("resized to 3x5 (bilinear, aspect not kept)",)


def test_grey_among_colour_becomes_colour(tmp_path):
    picture(tmp_path / "s" / "cat" / "1.png", 10)
    picture(tmp_path / "s" / "dog" / "1.png", 20, mode="RGB")
    assert load_source(str(tmp_path / "s")).images[:, 0, 0].tolist() == [[10, 10, 10], [20, 0, 0]]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": np.zeros((2, 4, 4), np.uint8)}, "no array labels"),
        ({"images": np.zeros((2, 4, 4), np.float32), "labels": [0, 1]}, "expected uint8"),
        ({"images": np.zeros((2, 4), np.uint8), "labels": [0, 1]}, "shape"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": [0]}, "2 images but 1 labels"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": [0, -1]}, "expected 0 or more"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": [0.5, 1]}, "whole numbers"),
        ({"images": np.zeros((0, 4, 4), np.uint8), "labels": []}, "no images"),
    ],
)
def test_wrong_archives_are_refused_in_words(tmp_path, arrays, words):
    np.savez(tmp_path / "s.npz", **{name: np.asarray(a) for name, a in arrays.items()})
    with pytest.raises(DatasetError, match=words):
        load_source(str(tmp_path / "s.npz"))


@pytest.mark.parametrize("text", ["nowhere", "nowhere.npz", "nowhere,either"])
def test_missing_sources_are_refused_in_words(text):
    with pytest.raises(DatasetError):
        load_source(text)


@pytest.mark.parametrize("key", ["../outside-000000000000", "x", "gone-000000000000"])
def test_a_key_that_is_none_opens_nothing(tmp_path, key):
    manifest = add(tmp_path, board=source())
    outside = tmp_path / "outside-000000000000"
    (tmp_path / "d" / manifest.key).rename(outside)
    with pytest.raises(Refusal, match="E_RUNNER_DATASET"):
        read_manifest(tmp_path / "d", key)


def test_one_class_alone_is_no_benchmark(tmp_path):
    picture(tmp_path / "s" / "cat" / "1.png", 10)
    with pytest.raises(DatasetError, match="two classes"):
        add(tmp_path, board=load_source(f"{tmp_path}/s"))


def test_the_command_prints_the_manifest_and_a_mistake_in_words(tmp_path):
    picture(tmp_path / "s" / "cat" / "1.png", 10)
    picture(tmp_path / "s" / "dog" / "1.png", 20)
    common = ["--licence", "CC0", "--source", "us", "--datasets", f"{tmp_path}/d"]
    common += ["--artifacts", f"{tmp_path}/a", "--task", "classification", "--json"]
    command = ["dataset", "add", "Cats", "--board", f"{tmp_path}/s", *common]
    done = CliRunner().invoke(main, [*command, "--conditions", "board=at night"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["splits"][0]["conditions"] == "at night"
    wrong = CliRunner().invoke(main, [*command, "--conditions", "shadow=at night"])
    assert wrong.exit_code == 1
    assert "conditions of a split that is not there: shadow" in wrong.output


def boxes(**given) -> Boxes:
    said = {
        "image": [0, 0, 2],
        "box": [[1.0, 1, 2, 2], [0, 0, 4, 4], [1, 0, 3, 2]],
        "category": [1, 0, 1],
        "area": [4.0, 16, 6],
        "crowd": [False, False, True],
        "size": [[4, 4]] * 3,
        "scale": [[1.0, 1]] * 3,
        "pad": [[0.0, 0]] * 3,
    }
    return Boxes(**{name: np.array(value) for name, value in (said | given).items()})


TRUTHS = {
    "classification": np.array([1, 0, 1]),
    "segmentation": np.full((3, 4, 4), IGNORED, np.uint8) * (np.arange(16).reshape(4, 4) > 3),
    "detection": boxes(),
}


@pytest.mark.parametrize("task", TRUTHS)
def test_the_truth_of_every_task_is_read_as_it_was_written(tmp_path, task):
    truth = TRUTHS[task]
    light = {"light": ("day", "night", "day")}
    board = Source(source(3).images, truth, ("a", "b"), attributes=light)
    manifest = add(tmp_path, Card("x", task, "CC0", "us", {}), board=board, train=board)
    found = read_truth(tmp_path / "d", manifest, "board")
    for one, other in zip(arrays_of(found).values(), arrays_of(truth).values(), strict=True):
        assert (one == other).all()
    assert read_attributes(tmp_path / "d", manifest, "board") == {"light": ["day", "night", "day"]}
    assert manifest.splits[1].attributes == ("light",)
    (download,) = manifest.downloads
    path = tmp_path / "train.npz"
    path.write_bytes((tmp_path / "a" / download.sha256[:2] / download.sha256).read_bytes())
    again = load_source(str(path), Reading(task))
    assert arrays_of(again.truth).keys() == arrays_of(truth).keys()
    assert again.attributes == light
    rewritten = add(tmp_path, Card("x", task, "CC0", "us", {}), train=again, board=again)
    assert rewritten.key == manifest.key


def test_the_manifest_names_the_images_file(tmp_path):
    manifest = add(tmp_path, board=source())
    data = (tmp_path / "d" / manifest.key / "images" / "board.npy").read_bytes()
    (facts,) = manifest.splits
    assert (facts.sha256, facts.size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_what_is_true_is_part_of_the_key(tmp_path):
    card = Card("x", "detection", "CC0", "us", {})
    keys = {
        add(tmp_path, card, board=Source(source(3).images, truth, ("a", "b"), attributes=known)).key
        for truth, known in (
            (boxes(), {}),
            (boxes(crowd=[False] * 3), {}),
            (boxes(), {"light": ("day",) * 3}),
        )
    }
    assert len(keys) == 3


def test_splits_may_number_masks_and_boxes_differently(tmp_path):
    images = source(3).images
    for task, truth, wanted in (
        ("detection", boxes(), [0, 1, 0]),
        ("segmentation", TRUTHS["segmentation"], [1, 1, 1, 1, IGNORED]),
    ):
        manifest = add(
            tmp_path,
            Card(task, task, "CC0", "us", {}),
            dev=Source(images, truth, ("b", "a")),
            board=Source(images, truth, ("a", "b")),
        )
        found = read_truth(tmp_path / "d", manifest, "board")
        if task == "detection":
            assert found.category.tolist() == wanted
        else:
            assert found[0].ravel()[:5].tolist() == wanted


def test_the_class_balance_counts_images_boxes_and_pixels(tmp_path):
    counts = {}
    for task, truth in TRUTHS.items():
        board = Source(source(3).images, truth, ("a", "b"))
        counts[task] = add(tmp_path, Card(task, task, "CC0", "us", {}), board=board)
    assert {task: m.splits[0].per_class for task, m in counts.items()} == {
        "classification": (1, 2),
        "detection": (1, 2),
        "segmentation": (12, 0),
    }
    assert "board: 1 classes have no pixel: b" in counts["segmentation"].warnings
