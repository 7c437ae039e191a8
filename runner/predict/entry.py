"""The predicting process, from warm imports to written rows. Runs inside a cell only.

Another kind of file plugs in by its opener. A module that the table of cells names does this::

    def prepare() -> Start:
        ...                               # import and warm up, while files can still be read
        return entry.starting(_open)      # everything else is here: maps, threads, pace, checks

    def _open(words: dict[str, Any], data: bytes) -> entry.Opened:
        # Behind all walls. ``words`` is the job (task, classes, height, width, channels, declared,
        # format, limits …). Raise Refusal for a file that will not do.
        return net, signature, {"parameters": …, "input": signature.words(image)}
"""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from runner.formats.fitting import Fed, fit
from runner.formats.onnx_reading import read_onnx
from runner.formats.output_contract import read_output_contract
from runner.formats.preprocessing import Preprocessing
from runner.formats.signature import ImageShape, Signature
from runner.formats.usual import admitted, other_readings
from runner.predict import heads, pace
from runner.predict.feeding import Feed, Images, Rows
from runner.predict.heads import Head, Want
from runner.predict.heads.detection import BoxesHead, read_otherwise
from runner.predict.net import Net
from runner.predict.onnx_net import OnnxNet, quiet
from runner.predict.other_contracts import Way, batch_of, fed_otherwise, predict_otherwise
from runner.predict.trial import Tried, refuse_too_slow, try_out
from runner.sandbox.child import Job, Start, Status

_MIB = 1 << 20
_POPULATE_BELOW = 256 * _MIB
_PROBE_SECONDS = 2.0

#: the model, how it is fed, and what is said of it (``ModelFacts`` without size and format)
Opened = tuple[Net, Signature, dict[str, Any]]
Opener = Callable[[dict[str, Any], bytes], Opened]


def prepare() -> Start:
    """Load and warm whatever is loaded lazily, while files can still be read; return ``start``."""
    quiet()
    value = onnx.helper.make_tensor_value_info
    names = [value(name, onnx.TensorProto.FLOAT, ["N", 1]) for name in ("x", "y")]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "warm", names[:1], names[1:]
    )
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    net = OnnxNet(model.SerializeToString(), "x")
    one = ImageShape(1, 1, 1)
    want = Want("classification", 1, (1,), "float32", one, Fed(1, 1))
    head = heads.settle(net, np.ones((1, 1), np.float32), want)
    head.write(np.ones((1, 1), np.float32), np.empty((1, 1), np.float32))
    for name in ("uint8", "float32"):  # Pillow and numpy look up what resizing needs
        how = Preprocessing(size=(4, 4), resize="letterbox", mean=(0.5,), colour="BGR")
        signature = Signature("x", name, "NCHW", None, how)
        Feed(signature, ImageShape(2, 3, 3), batch=1).fill(np.zeros((1, 2, 3, 3), np.uint8))
    # Words that are only needed when something fails are looked up in files too.
    onnx.numpy_helper.to_array(onnx.numpy_helper.from_array(np.zeros(1, np.int64)))
    np.percentile([1.0], [50, 95])
    return starting(open_onnx)


def open_onnx(words: dict[str, Any], data: bytes) -> Opened:
    """Check an ONNX file, corner by corner, and load it. Raises Refusal."""
    signature, facts = read_onnx(words, data)
    return OnnxNet(data, signature.name), signature, facts


def starting(opener: Opener) -> Start:
    """Return what maps a job and starts its threads; that returns the work for behind the walls."""

    def start(job: Job, status: Status) -> Callable[[], None]:
        words = job.words
        image = ImageShape(words["height"], words["width"], words["channels"])
        model, output, *inputs = job.descriptors
        counts = [split["rows"] for split in words["splits"]]
        probe = words["probe"]
        spare = len(probe["names"]) * probe["images"] if probe else 0
        rows = _map_rows(output, sum(counts) + spare, words["row"]["dtype"], words["row"]["shape"])
        edges = np.cumsum([0, *counts]).tolist()
        splits = [
            (map_images(descriptor, split["offset"], split["rows"], image), rows[a:b])
            for descriptor, split, a, b in zip(
                inputs, words["splits"], edges[:-1], edges[1:], strict=True
            )
        ]
        crew = pace.Crew.start(words["threads"])
        return lambda: _work(
            _Task(words, image, model, splits, rows[edges[-1] :], crew, status), opener
        )

    return start


def _map_rows(descriptor: int, count: int, dtype: str, shape: list[int]) -> Rows:
    size = count * prod(shape) * np.dtype(dtype).itemsize
    memory = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
    return np.frombuffer(memory, dtype).reshape(count, *shape)


def map_images(descriptor: int, offset: int, rows: int, image: ImageShape) -> Images:
    """Return ``rows`` images that lie at ``offset`` of an open file, read as they are touched."""
    shape = (rows, image.height, image.width, image.channels)
    size = int(np.prod(shape))
    flags = mmap.MAP_SHARED
    if size < _POPULATE_BELOW:
        flags |= mmap.MAP_POPULATE
    memory = mmap.mmap(descriptor, offset + size, flags=flags, prot=mmap.PROT_READ)
    return np.frombuffer(memory, np.uint8, count=size, offset=offset).reshape(shape)


@dataclass(frozen=True)
class _Task:
    """One job's parts, together."""

    words: dict[str, Any]
    image: ImageShape
    model: int  #: descriptor
    splits: list[tuple[Images, Rows]]
    spare: Rows  #: for predictions under other contracts
    crew: pace.Crew
    status: Status


def _work(task: _Task, opener: Opener) -> None:
    words = task.words
    with mmap.mmap(task.model, words["model_size"], prot=mmap.PROT_READ) as memory:
        data = bytes(memory)
    net, signature, facts = opener(words, data)
    del data
    declared = facts.pop("output", "") or words["declared"]["output"]
    contract = read_output_contract(declared, words["task"])
    task.status.say(model=facts)
    how = signature.preprocessing
    fed = fit(task.image, how.size, how.resize)
    want = Want(
        task=words["task"],
        classes=words["classes"],
        row=tuple(words["row"]["shape"]),
        dtype=words["row"]["dtype"],
        image=task.image,
        fed=fed,
        contract=contract,
    )
    tried = try_out(net, signature, task.image, want, task.splits[0][0])
    measured = _measure(tried, task)
    if not words["sample_only"]:
        _predict(tried, task, measured)
        _probe(tried.head, tried.signature, task)
    task.status.say(done=True)


@dataclass(frozen=True)
class _Measured:
    p50: float  #: milliseconds of a run with one image, or with the model's own batch
    p95: float
    batch: int
    cost: float  #: seconds of one thread for an image in such a batch


def _measure(tried: Tried, task: _Task) -> _Measured:
    """Time a few runs; refuse what would never come to its end. Raises Refusal (E_TIME_PREDICTED)."""
    signature, budget = tried.signature, task.words["budget"]
    single = signature.batch or 1
    one = Feed(signature, task.image, batch=single).fill(tried.sample[:single])
    p50, p95 = pace.latency_ms(tried.head, one)
    batch, cost = pace.choose_batch(
        tried.head,
        signature,
        task.image,
        sample=tried.sample,
        most=max(1, budget["images"] // 8),
        single=p50 / 1000,
    )
    threads = task.crew.size
    refuse_too_slow(budget, cost=cost, images=budget["images"], threads=threads)
    return _Measured(p50, p95, batch, cost)


def _predict(tried: Tried, task: _Task, measured: _Measured) -> None:
    head, signature, sample = tried.head, tried.signature, tried.sample
    total = sum(len(images) for images, _ in task.splits)
    batch, cost = measured.batch, measured.cost
    crew = task.crew.for_work_of(total * cost)
    threads = crew.size
    parts = pace.divide(
        task.splits, batch=batch, threads=threads, fixed=signature.batch is not None
    )
    feeds = [Feed(signature, task.image, batch=batch) for _ in range(threads)]
    residents = [
        Feed(signature, task.image, batch=batch)
        .fill(np.resize(sample, (batch, *sample.shape[1:])))
        .copy()
        for _ in range(threads)
    ]
    said = [0.0]

    def tell(done: float) -> None:
        # A thousand lines at most, so that a long job does not fill the parent's 64 kB.
        if done - said[0] >= 0.001:  # noqa: PLR2004
            said[0] = done
            task.status.say(progress=round(done, 3))

    bare = 0
    if task.words["timed"]:
        bare = pace.bare_runs(
            batch_seconds=batch * cost, job_seconds=total * cost / threads, threads=threads
        )
    paced = pace.run(crew, head, feeds, parts, tell, residents=residents, bare=bare)
    task.status.say(
        speed={
            "p50_ms": measured.p50,
            "p95_ms": measured.p95,
            "seconds": paced.seconds,
            "images_per_second": total / paced.seconds,
            "limit_per_second": paced.limit,
            "threads": threads,
            "batch": batch,
        }
    )


def _probe(head: Head, signature: Signature, task: _Task) -> None:
    """Predict some dev images as model and declaration could also have been meant."""
    probe = task.words["probe"]
    if not probe:
        return
    count: int = probe["images"]
    images = task.splits[probe["split"]][0][:count]
    places = {name: place * count for place, name in enumerate(probe["names"])}
    batch = batch_of(signature, count)
    contracts = admitted(signature, task.image.channels)
    feeds = fed_otherwise(signature, task.image, contracts, batch=batch)
    ways = {name: Way(head, feed) for name, feed in feeds.items()}
    if isinstance(head, BoxesHead):
        same = Feed(signature, task.image, batch=batch)
        ways |= {
            name: Way(read_otherwise(head, boxes, normalised=normalised), same)
            for name, (boxes, normalised) in other_readings(head.want.contract).items()
        }
    predict_otherwise(
        ways,
        images=images,
        batch=batch,
        into={name: task.spare[at : at + count] for name, at in places.items()},
        seconds=_PROBE_SECONDS,
    )
