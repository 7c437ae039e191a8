"""What a check finds in datasets whose faults are known, and what it never tells."""

import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from runner.baselines import digits
from runner.cli import main
from runner.datasets.adding import Card, add_dataset
from runner.datasets.eda import carry_out, written
from runner.datasets.quality.labels import suspicious
from runner.datasets.quality.masks import specks
from runner.datasets.quality.pixels import drift
from runner.datasets.quality.reading import from_archive
from runner.datasets.quality.subject import Part, frozen
from runner.datasets.source import Source
from runner.desk import Desk
from runner.errands import DatasetErrand
from runner.failures import Refusal
from tests.runner import messy


def found(subject):
    """Findings by what and where, with their counts."""
    return {(f.what, f.where): f.count for f in written(subject).looked.findings}


def of(findings, start):
    return {where: count for (what, where), count in findings.items() if what.startswith(start)}


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """Digits with wrong labels as a frozen version: folder, key, and which are wrong."""
    folder = tmp_path_factory.mktemp("flipped")
    arrays, wrong = messy.flipped_digits()
    manifest = add_dataset(
        Card("Flipped", "classification", "CC BY 4.0", "UCI", {}),
        {split: Source(images, labels, None) for split, (images, labels) in arrays.items()},
        datasets=folder / "datasets",
        artifacts=folder / "files",
    )
    return folder, manifest.key, wrong


def test_planted_wrong_labels_are_found_and_clean_ones_left_alone(flipped):
    folder, key, wrong = flipped
    subject = frozen(folder / "datasets", key)
    before_freezing = [replace(part, hidden=False) for part in subject.parts]
    suspects = suspicious(before_freezing, 10).suspects
    hit = {(subject.parts[s.part].split, s.image) for s in suspects}
    assert len(hit & wrong) >= 0.6 * len(wrong)
    assert len(hit & wrong) >= 0.9 * len(hit)
    clean = [
        Part(split, images, labels, len(labels), places=np.arange(len(labels)))
        for split, (images, labels) in digits().items()
    ]
    assert len(suspicious(clean, 10).suspects) <= 5


def test_labels_that_pixels_cannot_tell_are_not_doubted():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (300, 16, 16, 3), dtype=np.uint8)
    part = Part("all", images, rng.integers(0, 4, 300), 300, places=np.arange(300))
    suspicion = suspicious([part], 4)
    assert not suspicion.usable
    assert suspicion.suspects == ()
    report = written(from_parts(part))
    assert "so none was suspected" in report.page


def from_parts(*parts, classes=("a", "b", "c", "d")):
    from runner.datasets.quality.subject import Subject

    return Subject("noise", "classification", classes, parts, "made up")


def test_hidden_splits_are_counted_and_never_shown(flipped):
    folder, key, _ = flipped
    made = carry_out(Desk(folder / "files", folder / "datasets"), DatasetErrand(dataset=key))
    [page] = [a for a in made.artifacts if a.name == "dataset.html"]
    html = (folder / "files" / page.sha256[:2] / page.sha256).read_text()
    found = {row[:2] for row in made.rows}
    assert ("labels that are likely wrong", "train") in found
    assert ("labels that are likely wrong", "board") not in found
    shots = re.findall(r'<img src="data:[^"]+" alt="(\w+) #\d+: ', html)
    assert set(shots) == {"train"}
    [classes] = re.findall(r"<caption>Images of each class</caption>\n<thead><tr>(.+?)</tr>", html)
    assert re.findall(r">(\w+)</th>", classes) == ["Class", "train", "dev"]


def test_the_labels_of_hidden_images_change_no_letter_of_the_report():
    def page(seed):
        parts = []
        for split, (images, labels) in digits().items():
            hidden = split in ("board", "shadow")
            truth = np.random.default_rng(seed).permutation(labels) if hidden else labels
            # A hidden image twice, once with another label; a public one in the hidden split.
            if hidden:
                seen = np.concatenate([images, images[:1], digits()["dev"][0][:1]])
                truth = np.concatenate([truth, [(truth[0] + seed) % 10], [seed]])
            else:
                seen = images
            places = np.arange(len(truth))
            parts.append(Part(split, seen, truth, len(truth), hidden=hidden, places=places))
        return written(from_parts(*parts, classes=tuple("0123456789"))).page

    assert page(1) == page(2)


def test_an_image_that_is_also_hidden_is_not_shown_either(tmp_path):
    rng = np.random.default_rng(0)
    images = np.stack([messy.scene(n, 24) for n in range(40)])
    labels = rng.integers(0, 2, 40)
    add_dataset(
        Card("Leak", "classification", "CC0", "made up", {}),
        {
            "train": Source(images[:30], labels[:30], None),
            "board": Source(images[20:], labels[20:], None),
        },
        datasets=tmp_path,
        artifacts=tmp_path / "files",
    )
    [key] = [path.name for path in tmp_path.iterdir() if path.name.startswith("leak")]
    report = written(frozen(tmp_path, key))
    assert of(found(frozen(tmp_path, key)), "the same image") == {"train and board": 10}
    assert "data:image/jpeg" not in report.page
    assert not any(f.shots for f in report.looked.findings)


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    path = tmp_path_factory.mktemp("pets") / "pets.zip"
    return from_archive(messy.zipped(path, messy.messy_folders()), "Pets")


def test_every_fault_of_messy_folders_is_counted(pets):
    assert [(part.split, part.total) for part in pets.parts] == [("train", 65), ("dev", 32)]
    assert pets.classes == ("cat", "dog", "bird")
    findings = found(pets)
    assert of(findings, "files that cannot be read") == {"train": 2}
    assert of(findings, "the same image again") == {"train": 1}
    assert of(findings, "nearly the same image again") == {"train": 1, "train and dev": 1}
    assert of(findings, "repeated images with different labels") == {"train": 1}
    assert of(findings, "images that show nothing") == {"train": 1}
    assert of(findings, "classes without one image: bird") == {"train": 1}
    assert of(findings, "classes with fewer than 10: bird (1)") == {"dev": 1}
    assert of(findings, "dev is darker than train") == {"dev": 32}


def test_the_report_of_a_stranger_s_archive_is_whole(pets):
    report = written(pets)
    assert report.picture.png.startswith(b"\x89PNG")
    assert "dog/copy.png" in report.page
    assert report.rows[0] == ("Found", "Where", "How many")
    assert "mend" in report.words
    assert report.words.count("\n") == 0
    assert report.figures["grave"] == sum(f.grave for f in report.looked.findings) > 0
    assert "<script" not in report.page


def test_odd_boxes_are_counted(tmp_path):
    subject = from_archive(messy.zipped(tmp_path / "a.zip", messy.messy_coco()), "Balls")
    assert (subject.task, subject.classes) == ("detection", ("ball", "bat"))
    findings = found(subject)
    for what, count in (
        ("boxes less than 4 pixels", 1),
        ("boxes that are there twice", 1),
        ("boxes of different classes", 2),
        ("boxes as large as their image", 1),
        ("images without a box", 5),
        ("boxes reach beyond their image", 1),
        ("boxes have no area", 1),
    ):
        assert of(findings, what) == {"train": count}, what


def test_odd_masks_are_counted(tmp_path):
    subject = from_archive(messy.zipped(tmp_path / "a.zip", messy.messy_masks()), "Fields")
    assert (subject.task, subject.classes) == ("segmentation", ("ground", "sky", "tree"))
    findings = found(subject)
    assert of(findings, "specks of at most 4 pixels") == {"all": 2}
    assert of(findings, "masks of one class") == {"all": 1}
    assert of(findings, "masks in which no pixel counts") == {"all": 1}


def by_flooding(mask):
    """Count small patches the slow way."""
    seen, count = np.zeros(mask.shape, bool), 0
    for start in zip(*np.nonzero(mask < 255), strict=True):
        if seen[start]:
            continue
        stack, size = [start], 0
        seen[start] = True
        while stack:
            y, x = stack.pop()
            size += 1
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    at = (y + dy, x + dx)
                    inside = 0 <= at[0] < mask.shape[0] and 0 <= at[1] < mask.shape[1]
                    if inside and not seen[at] and mask[at] == mask[start]:
                        seen[at] = True
                        stack.append(at)
        count += size <= 4
    return count


@pytest.mark.parametrize("seed", range(4))
def test_specks_are_those_that_flooding_finds(seed):
    rng = np.random.default_rng(seed)
    masks = rng.choice(
        np.array([0, 1, 2, 3, 255], np.uint8), (3, 24, 24), p=[0.4, 0.2, 0.2, 0.1, 0.1]
    )
    assert specks(masks).tolist() == [by_flooding(mask) for mask in masks]


def test_more_images_than_can_be_looked_at_are_sampled_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("runner.datasets.quality.subject.MOST", 50)
    images, labels = digits()["train"]
    manifest = add_dataset(
        Card("Many", "classification", "CC0", "made up", {}),
        {"board": Source(images, labels, None), "dev": Source(images[:60], labels[:60], None)},
        datasets=tmp_path,
        artifacts=tmp_path / "files",
    )
    subject = frozen(tmp_path, manifest.key)
    assert [(part.split, len(part), part.total) for part in subject.parts] == [
        ("dev", 50, 60),
        ("board", 50, 897),
    ]
    again = frozen(tmp_path, manifest.key)
    assert (subject.parts[1].places == again.parts[1].places).all()
    assert "50 of 897 images were looked at" in written(subject).page


def test_drift_is_in_standard_deviations_and_needs_images():
    rng = np.random.default_rng(0)
    one, other = rng.normal(100, 10, 400), rng.normal(115, 10, 400)
    assert drift(one, other) == pytest.approx(1.5, abs=0.2)
    assert drift(one[:5], other) is None


def test_names_of_files_and_classes_are_escaped(tmp_path):
    files = {
        f"<img src=x>/{kind}/{n}.png": messy.encoded(messy.scene(n + 100 * (kind == "@here")))
        for kind in ("<script>alert(1)<", "@here")
        for n in range(12)
    }
    files["<img src=x>/@here/copy.png"] = files["<img src=x>/@here/3.png"]
    subject = from_archive(messy.zipped(tmp_path / "a.zip", files), "<b>bold</b>")
    report = written(subject)
    assert "<script" not in report.page
    assert "<b>" not in report.page
    assert "<img src=x" not in report.page


def test_a_desk_says_what_it_cannot_look_through(tmp_path):
    desk = Desk(tmp_path, tmp_path)
    for errand, code in (
        (DatasetErrand(dataset="nothing-0123456789ab"), "E_RUNNER_DATASET"),
        (DatasetErrand(archive="0" * 64), "E_DESK_FILE"),
        (DatasetErrand(), "E_RUNNER_DATASET"),
    ):
        with pytest.raises(Refusal) as refused:
            carry_out(desk, errand)
        assert refused.value.code == code


def run(*words):
    return CliRunner().invoke(main, ["dataset", "check", *map(str, words)])


def test_the_command_looks_through_folders_archives_and_versions(tmp_path, flipped):
    archive = messy.zipped(tmp_path / "pets.zip", messy.messy_folders())
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "own")
    page = tmp_path / "page.html"
    for place in (archive, tmp_path / "own"):
        done = run(place, "--out", page, "--json")
        assert done.exit_code == 1, done.output
        said = json.loads(done.output)
        assert said["figures"]["images"] == 97
        assert any(f["grave"] and "in two splits" in f["what"] for f in said["findings"])
        assert page.read_text().startswith("<!doctype html>")
    folder, key, _ = flipped
    done = run(key, "--datasets", folder / "datasets")
    assert done.exit_code == 0
    assert "labels that are likely wrong (train)" in done.output


def test_the_command_says_what_it_cannot_read(tmp_path):
    done = run(tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "E_DATASET_FORM" in done.output
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty").exit_code == 2
