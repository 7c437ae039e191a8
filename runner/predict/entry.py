"""The predicting process, from warm imports to written scores. Runs inside a cell only."""

import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.formats import onnx_walk
from runner.formats.onnx_signature import ImageShape, Signature, read_signature
from runner.plain_text import cleaned
from runner.predict import pace
from runner.predict.feeding import Feed, Images
from runner.predict.session import Net, quiet
from runner.sandbox.child import Job, Start, Status

_MIB = 1 << 20
_POPULATE_BELOW = 256 * _MIB
_SAMPLES = 4


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
    net = Net(model.SerializeToString(), "x", classes=1)
    net.settle_output(np.ones((1, 1), np.float32), 1)
    net.scores(np.ones((1, 1), np.float32), np.empty((1, 1), np.float32))
    # Words that are only needed when something fails are looked up in files too.
    onnx.numpy_helper.to_array(onnx.numpy_helper.from_array(np.zeros(1, np.int64)))
    np.percentile([1.0], [50, 95])
    return start


def start(job: Job, status: Status) -> Callable[[], None]:
    """Map what the job brought and start its threads; return the work, to be done behind the walls."""
    words = job.words
    image = ImageShape(words["height"], words["width"], words["channels"])
    model, output, *inputs = job.descriptors
    rows = [split["rows"] for split in words["splits"]]
    scores = _map_scores(output, sum(rows), words["classes"])
    edges = np.cumsum([0, *rows]).tolist()
    splits = [
        (_map_images(descriptor, split["offset"], split["rows"], image), scores[a:b])
        for descriptor, split, a, b in zip(
            inputs, words["splits"], edges[:-1], edges[1:], strict=True
        )
    ]
    crew = pace.Crew.start(words["threads"])
    return lambda: _work(_Task(words, image, model, splits, crew, status))


def _map_scores(descriptor: int, rows: int, classes: int) -> NDArray[np.float32]:
    flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
    memory = mmap.mmap(descriptor, rows * classes * 4, flags=flags)
    return np.frombuffer(memory, np.float32).reshape(rows, classes)


def _map_images(descriptor: int, offset: int, rows: int, image: ImageShape) -> Images:
    shape = (rows, image.height, image.width, image.channels)
    size = int(np.prod(shape))
    flags = mmap.MAP_SHARED
    if size < _POPULATE_BELOW:
        flags |= mmap.MAP_POPULATE
    memory = mmap.mmap(descriptor, offset + size, flags=flags, prot=mmap.PROT_READ)
    return np.frombuffer(memory, np.uint8, count=size, offset=offset).reshape(shape)


class _Task:
    """One job's parts, together."""

    def __init__(
        self,
        words: dict[str, Any],
        image: ImageShape,
        model: int,
        splits: list[tuple[Images, NDArray[np.float32]]],
        crew: pace.Crew,
        status: Status,
    ) -> None:
        self.words = words
        self.image = image
        self.model = model
        self.splits = splits
        self.crew = crew
        self.status = status
        self.classes: int = words["classes"]


def _work(task: _Task) -> None:
    with mmap.mmap(task.model, task.words["model_size"], prot=mmap.PROT_READ) as memory:
        data = bytes(memory)
    model = onnx_walk.parse(data)
    census = onnx_walk.walk(model, memory=task.words["limits"]["memory"])
    signature = read_signature(model, task.image, classes=task.classes)
    task.status.say(
        model={
            "parameters": census.parameters,
            "opset": max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
            "input": cleaned(signature.words(task.image)),
            "producer": cleaned(f"{model.producer_name} {model.producer_version}", 60),
        }
    )
    del model
    net = Net(data, signature.name, classes=task.classes)
    del data
    sample = _try_out(net, signature, task)
    if not task.words["sample_only"]:
        _predict(net, signature, task, sample)
    task.status.say(done=True)


def _try_out(net: Net, signature: Signature, task: _Task) -> Images:
    """Run a few images; refuse a model that cannot score them. Returns the images."""
    images = task.splits[0][0][:_SAMPLES]
    batch = signature.batch or len(images)
    images = images[:batch]
    feed = Feed(signature, task.image, batch=batch).fill(images)
    scores = net.settle_output(feed, len(images))
    broken = int((~np.isfinite(scores)).any(axis=1).sum())
    if broken:
        raise Refusal("E_NAN", got=f"{broken} of the first {len(images)} images")
    return images


def _predict(net: Net, signature: Signature, task: _Task, sample: Images) -> None:
    single = signature.batch or 1
    one = Feed(signature, task.image, batch=single).fill(sample[:single])
    p50, p95 = pace.latency_ms(net, one, np.empty((single, task.classes), np.float32))
    total = sum(len(images) for images, _ in task.splits)
    batch, cost = pace.choose_batch(
        net, signature, task.image, sample=sample, most=max(1, total // 8), single=p50 / 1000
    )
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

    before = pace.limit(crew, net, residents)
    seconds = pace.run(crew, net, feeds, parts, tell)
    after = pace.limit(crew, net, residents)
    task.status.say(
        speed={
            "p50_ms": p50,
            "p95_ms": p95,
            "seconds": seconds,
            "images_per_second": total / seconds,
            # A limit is what was reached at best: a stranger on the processor must not lower it.
            "limit_per_second": max(before, after),
            "threads": threads,
            "batch": batch,
        }
    )
