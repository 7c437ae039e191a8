"""COCO's figures: through hotcoco, and ours that can be drawn anew, beside pycocotools."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from runner.contract import DatasetManifest
from runner.datasets.truth import Boxes
from runner.tasks import coco, detected, statistics
from runner.tasks.coco import NAMES, Objects
from runner.tasks.detection import Detection, boxes
from tests import real_inputs

COCO_FILES = real_inputs.FOLDER / "coco"
BBOX = (0.505, 0.697, 0.573, 0.586, 0.519, 0.501, 0.387, 0.594, 0.595, 0.640, 0.566, 0.564)
SEGM = (0.320, 0.562, 0.299, 0.387, 0.310, 0.327, 0.268, 0.415, 0.417, 0.469, 0.377, 0.381)


def made(seed: int, *, images: int = 12, classes: int = 3, crowds: bool = True):
    """Objects, and detections some of which are near them, twice, or elsewhere."""
    random = np.random.default_rng(seed)
    many = images * 5
    box = np.c_[random.random((many, 2)) * 300, 8 + random.random((many, 2)) * 150]
    image, category = random.integers(0, images, many), random.integers(0, classes, many)
    crowd = (random.random(many) < 0.1) & crowds
    truth = Objects(image, box, category, area=box[:, 2] * box[:, 3], crowd=crowd)
    shaken = [box + random.normal(0, s, box.shape) for s in (3, 9, 40)]
    found = Objects(
        np.tile(image, 3), np.maximum(np.concatenate(shaken), 1), np.tile(category, 3),
        score=random.random(3 * many),
    )  # fmt: skip
    return truth, found, np.full((images, 2), 480)


def pycocotools_figures(truth: Objects, found: Objects, images: int, classes: int) -> list[float]:
    coco_ = COCO()
    coco_.dataset = {
        "images": [{"id": n, "height": 480, "width": 480} for n in range(images)],
        "categories": [{"id": k, "name": str(k)} for k in range(classes)],
        "annotations": [
            {"id": n + 1, "image_id": i, "category_id": c, "bbox": b, "area": a, "iscrowd": w}
            for n, (i, c, b, a, w) in enumerate(
                zip(
                    truth.image.tolist(), truth.category.tolist(), truth.box.tolist(),
                    truth.area.tolist(), truth.crowd.astype(int).tolist(), strict=True,
                )
            )
        ],
    }  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco_.createIndex()
        results = coco_.loadRes(np.c_[found.image, found.box, found.score, found.category])
        evaluation = COCOeval(coco_, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_figures_and_what_is_kept_agree_with_pycocotools(seed):
    truth, found, size = made(seed)
    theirs = pycocotools_figures(truth, found, 12, 3)
    figures = coco.figures(coco.evaluated(truth, found, size=size, classes=3))
    assert list(figures) == list(NAMES)
    assert list(figures.values()) == pytest.approx(theirs, abs=1e-9)
    kept = detected.detected(truth, found, images=12, classes=3)
    for name in detected.METRICS:
        assert statistics.value(kept, name) == pytest.approx(figures[name], abs=1e-9), name


@pytest.mark.parametrize("seed", range(3))
def test_a_resample_is_worth_what_scoring_its_images_anew_gives(seed):
    truth, found, _ = made(seed)
    kept = detected.detected(truth, found, images=12, classes=3)
    weights = next(statistics.resamples(12, count=6, seed=seed))
    by_name = {name: kept.replicates(name, weights) for name in detected.METRICS}
    for row, weight in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(12), weight)
        again = [_drawn(one, drawn) for one in (truth, found)]
        theirs = dict(zip(NAMES, pycocotools_figures(*again, 12, 3), strict=True))
        for name, values in by_name.items():
            assert values[row] == pytest.approx(theirs[name], abs=4e-10), name


def _drawn(objects: Objects, images: np.ndarray) -> Objects:
    """The objects of ``images``, each image a new one."""
    place = [np.flatnonzero(objects.image == image) for image in images]
    rows = np.concatenate(place)
    return Objects(
        np.repeat(np.arange(len(images)), [len(p) for p in place]),
        objects.box[rows],
        objects.category[rows],
        *(None if v is None else v[rows] for v in (objects.score, objects.area, objects.crowd)),
    )


def test_statistics_survive_their_file_and_a_slice_is_scored_alone():
    truth, found, size = made(5)
    kept = detected.detected(truth, found, images=12, classes=3)
    again = detected.Detected.load(bytearray(kept.save()))
    assert statistics.value(again, "ap") == statistics.value(kept, "ap")
    part = again.take(np.arange(4))
    few = [_drawn(one, np.arange(4)) for one in (truth, found)]
    figures = coco.figures(coco.evaluated(*few, size=size[:4], classes=3))
    assert statistics.value(part, "ap") == pytest.approx(figures["ap"], abs=1e-9)


def manifest(classes: int = 3) -> DatasetManifest:
    return DatasetManifest(
        key="toy-0123456789ab", name="Toy", task="detection",
        classes=tuple(f"c{k}" for k in range(classes)), height=64, width=64, channels=3,
        licence="CC0", splits=(),
    )  # fmt: skip


def truth_and_rows() -> tuple[Boxes, np.ndarray]:
    """Two images of 200 by 100 pixels, fed at 64 by 64 with 16 pixels of padding above."""
    truth = Boxes(
        image=np.array([0, 1]), box=np.array([[20.0, 10, 40, 30], [50, 20, 100, 60]]),
        category=np.array([0, 1]), area=np.array([1200.0, 6000]), crowd=np.zeros(2, np.bool_),
        size=np.array([[100, 200], [100, 200]]), scale=np.full((2, 2), 0.32),
        pad=np.tile([0.0, 16], (2, 1)),
    )  # fmt: skip
    rows = np.full((2, 100, 6), -1, np.float32)
    for n, (x, y, w, h) in enumerate(truth.box):
        rows[n, 0] = [x * 0.32, y * 0.32 + 16, (x + w) * 0.32, (y + h) * 0.32 + 16, 0.9, n]
    return truth, rows


def test_boxes_come_back_to_the_original_pixels_and_stay_inside():
    truth, rows = truth_and_rows()
    assert boxes(rows, truth).box == pytest.approx(truth.box, abs=1e-4)
    rows[0, 0, :4] = [-9, -9, 99, 99]
    assert boxes(rows, truth).box[0].tolist() == [0, 0, 200, 100]


def test_a_perfect_detector_is_told_so_and_dev_alone_tells_of_classes():
    truth, rows = truth_and_rows()
    words = {"time": ["day", "night"]}
    for split in ("dev", "board", "shadow"):
        judged = Detection().judge(
            split,
            rows,
            truth,
            manifest(),
            metric="ap50",
            attributes=words if split == "dev" else {},
        )
        assert judged.score.metrics[0].name == "ap50"
        assert [m.value for m in judged.score.metrics] == pytest.approx(
            [1.0] * len(judged.score.metrics)
        )
        assert {m.name for m in judged.score.metrics} <= set(NAMES)
        if split != "dev":
            told = judged.score
            assert (told.classes, told.confusion, told.confused) == ((), (), ())
            assert (told.slices, told.calibration, judged.files) == ((), None, {})
    score = Detection().judge("dev", rows, truth, manifest(), metric="ap", attributes=words)
    assert [c.ap for c in score.score.classes] == [1, 1, None]
    assert [(s.value, s.score) for s in score.score.slices] == [("day", 1), ("night", 1)]
    with np.load(io.BytesIO(score.files["curves-dev.npz"])) as drawn:
        assert drawn["precision50"].shape == (3, 101)
        assert np.isnan(drawn["precision50"][2]).all()


def test_a_detector_that_finds_nothing_is_worth_nothing():
    truth, rows = truth_and_rows()
    score = Detection().judge(
        "board", np.full_like(rows, -1), truth, manifest(), metric="ap", attributes={}
    )
    assert score.score.metrics[0].value == 0


@pytest.mark.real_inputs("coco")
@pytest.mark.parametrize(("kind", "figures"), [("bbox", BBOX), ("segm", SEGM)])
def test_cocoapis_own_example_gives_its_published_figures(kind, figures):
    import hotcoco

    truth = hotcoco.COCO(str(COCO_FILES / "instances_val2014_100.json"))
    results = truth.load_res(str(COCO_FILES / f"instances_val2014_fake{kind}100_results.json"))
    evaluation = hotcoco.COCOeval(truth, results, kind)
    evaluation.evaluate()
    evaluation.accumulate()
    assert [round(v, 3) for v in coco.figures(evaluation).values()] == list(figures)


@pytest.mark.real_inputs("coco")
def test_our_matching_gives_cocoapis_figures_too():
    said = json.loads((COCO_FILES / "instances_val2014_100.json").read_bytes())
    found, truth = _read("bbox"), said["annotations"]
    image = {one["id"]: n for n, one in enumerate(said["images"])}
    kind = {one["id"]: n for n, one in enumerate(said["categories"])}
    assert {a["image_id"] for a in found} <= image.keys()

    def of(rows, **more):
        return Objects(
            np.array([image[a["image_id"]] for a in rows]),
            np.array([a["bbox"] for a in rows], float),
            np.array([kind[a["category_id"]] for a in rows]),
            **{k: np.array([a[v] for a in rows]) for k, v in more.items()},
        )

    true = of(truth, area="area", crowd="iscrowd")
    true = Objects(true.image, true.box, true.category, area=true.area, crowd=true.crowd > 0)
    kept = detected.detected(true, of(found, score="score"), images=len(image), classes=len(kind))
    ours = {name: round(statistics.value(kept, name), 3) for name in detected.METRICS}
    assert ours == {n: f for n, f in zip(NAMES, BBOX, strict=True) if n in ours}


def _read(kind: str) -> list[dict]:
    return json.loads((COCO_FILES / f"instances_val2014_fake{kind}100_results.json").read_bytes())
