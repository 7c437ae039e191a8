"""PyTorch's files behind the walls: the good ones answer, the hostile ones get nowhere."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runner.contract import Declared, Limits, Tier
from runner.datasets.version import split_file
from runner.evaluate import Evaluator
from runner.failures import Refusal
from runner.predictions import Predictions, predict
from runner.sandbox.cell import Cell
from tests.runner.conftest import Bench
from tests.runner.corpus.torch_files import (
    bare_pickle,
    exported,
    exported_with_pickled_example,
    exported_with_pickled_weights,
    plain_pickle,
    script,
    weights,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed: its files are not tested")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.sandbox,
    # Members write TorchScript all the same, so its files are made here.
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
]

_MADE = Path("/tmp/bookwiz-torch-attack")


def run(bench: Bench, data: bytes, format: str, **declared: str) -> Predictions:
    cell = Cell("torch")
    try:
        return predict(
            cell,
            data,
            bench.manifest,
            [split_file(bench.folder / "datasets", bench.manifest, "board")],
            limits=Limits(wall_seconds=30, cpu_seconds=5, memory_mb=512),
            tell=lambda _: None,
            format=format,
            declared=Declared(**declared),
        )
    finally:
        cell.close()


def pixels(bench: Bench) -> "torch.Tensor":
    images = torch.from_numpy(bench.arrays["board"][0])
    return images.permute(0, 3, 1, 2).float() / 255


def test_torchscript_answers_as_it_does_at_home(bench: Bench) -> None:
    found = run(bench, script(), "torchscript")
    np.testing.assert_allclose(found.rows[0], pixels(bench).flatten(1)[:, :10].numpy(), rtol=1e-6)


def test_a_torch_export_answers_as_it_does_at_home(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(exported())
    found = run(bench, path.read_bytes(), "pt2")
    wanted = torch.export.load(path).module()(pixels(bench)).detach().numpy()
    np.testing.assert_allclose(found.rows[0], wanted, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["mlp", "small_cnn", "resnet18", "resnet34", "resnet50", "vit_small"]
)
def test_weights_of_an_architecture_answer_as_it_does_at_home(name: str, bench: Bench) -> None:
    from safetensors.torch import load

    from runner.formats.architectures import build

    data = weights(name)
    found = run(bench, data, "safetensors", architecture=name)
    module = build(name, task="classification", classes=10, channels=1, height=8, width=8)
    module.load_state_dict(load(data))
    with torch.inference_mode():
        wanted = module.eval()(pixels(bench)).numpy()
    np.testing.assert_allclose(found.rows[0], wanted, atol=1e-4)
    assert found.claims.model["parameters"] == sum(p.numel() for p in module.parameters())
    assert found.claims.model["flops"] == counted(module, pixels(bench)[:1])


def test_a_u_nets_masks_are_those_it_gives_at_home_and_are_scored(
    tmp_path: Path, evaluator: Evaluator
) -> None:
    from safetensors.torch import save

    from runner.formats.architectures import build

    bench = Bench(tmp_path, h=16, w=16, classes=3, task="segmentation")
    module = build("unet", task="segmentation", classes=3, channels=1, height=16, width=16).eval()
    outcome = evaluator.evaluate(
        bench.evaluation(
            save(module.state_dict()), format="safetensors", declared={"architecture": "unet"}
        ),
        lambda _: None,
    )
    assert outcome.failure is None
    with torch.inference_mode():
        said = module(pixels(bench)).argmax(1).numpy()
    right, truth = bench.arrays["board"][1], range(3)
    overlaps = [
        ((said == k) & (right == k)).sum() / ((said == k) | (right == k)).sum() for k in truth
    ]
    [score] = outcome.scores
    assert score.metrics[0].name == "miou"
    assert score.metrics[0].value == pytest.approx(np.mean(overlaps), abs=2e-3)


def counted(module: "torch.nn.Module", image: "torch.Tensor") -> int:
    """What PyTorch itself counts, of matrix products spelt out."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        module.eval()(image)
    return counter.get_total_flops()


@pytest.mark.parametrize("name", ["resnet50", "unet"])
def test_what_an_image_costs_is_what_pytorch_counts(name: str) -> None:
    from runner.formats.architectures import ARCHITECTURES, build
    from runner.predict.torch_flops import flops

    task = ARCHITECTURES[name].tasks[0]
    module = build(name, task=task, classes=5, channels=3, height=32, width=32).eval()
    image = torch.zeros(1, 3, 32, 32)
    assert flops(module, image) == counted(module, image)
    assert flops(module, torch.zeros(1, 7, 32, 32)) is None, "it does not run on such"


def test_weights_say_how_pixels_become_their_input(bench: Bench) -> None:
    said = json.dumps({"scale": 1.0, "mean": [100.0], "std": [50.0]})
    plain = run(bench, weights(), "safetensors", architecture="mlp", preproc=said)
    within = run(
        bench, weights(metadata={"bookwiz.preproc": said}), "safetensors", architecture="mlp",
        preproc='{"scale": 1.0}',
    )  # fmt: skip
    assert plain.claims.model["input"] == within.claims.model["input"]
    assert "less mean 100" in within.claims.model["input"]


@pytest.mark.parametrize(("make", "format"), [(plain_pickle, "torchscript"), (bare_pickle, "pt2")])
def test_a_pickle_is_not_opened_in_the_cell_either(make, format: str, bench: Bench) -> None:
    _MADE.unlink(missing_ok=True)
    with pytest.raises(Refusal) as refused:
        run(bench, make(), format)
    assert refused.value.code == "E_TORCH_BROKEN"
    assert not _MADE.exists()


@pytest.fixture
def bait(tmp_path: Path, bench: Bench):
    """A folder that anybody may write to, labels that anybody may read, a port that listens."""
    tmp_path.chmod(0o777)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0)
        yield tmp_path, bench.folder / "datasets" / bench.manifest.key / "labels", server


_CODE = """
import os, socket, json
saw = []
def attempt(name, work):
    try:
        saw.append(f"{{name}}: {{work()!r}}"[:100])
    except BaseException as error:
        saw.append(f"{{name}}: denied")
attempt("file", lambda: open("{folder}/made", "w").write("here"))
attempt("labels", lambda: len(open("{labels}/board.npy", "rb").read()))
attempt("names", lambda: len(os.listdir("{labels}")))
attempt("network", lambda: socket.create_connection(("127.0.0.1", {port}), 1) and 1)
attempt("program", lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]))
attempt("process", lambda: os.fork() or os._exit(0))
attempt("secret", lambda: len(os.environ["BOOKWIZ_SECRET"]))
line = (json.dumps({{"model": {{"producer": "; ".join(saw)}}}}) + chr(10)).encode()
import stat
for fd in range(3, 64):
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.write(fd, line)
    except OSError:
        pass
"""


def attacked(
    bench: Bench, bait: tuple, make: Callable[[str], bytes], *, walls: Tier | None = None
) -> tuple[list[str], bool, bool]:
    """Return what the payload saw, whether it made a file, and whether it reached the port."""
    folder, labels, server = bait
    code = _CODE.format(folder=folder, labels=labels, port=server.getsockname()[1])
    heard: list[str] = []
    cell = Cell("torch", walls=walls)
    row = {"dtype": "float32", "shape": [10]}
    from runner.sandbox import memory

    data = make(code)
    model, (board, _) = memory.sealed(data), memory.board(80 * 40)
    split = split_file(bench.folder / "datasets", bench.manifest, "board")
    with split.path.open("rb") as images:
        job = {
            "task": "classification", "height": 8, "width": 8, "channels": 1, "classes": 10,
            "row": row, "format": "pt2", "declared": Declared().model_dump(),
            "splits": [{"rows": 80, "offset": split.offset}], "model_size": len(data),
            "threads": 1, "sample_only": True, "probe": None,
            "limits": {"cpu_seconds": 60, "memory": 1 << 30},
        }  # fmt: skip
        try:
            cell.run(
                job, [model, board, images.fileno()], wall_seconds=30,
                on_line=lambda line: heard.append(json.dumps(line)),
            )  # fmt: skip
        finally:
            cell.close()
            os.close(model)
            os.close(board)
    try:
        server.accept()[0].close()
        reached = True
    except BlockingIOError:
        reached = False
    seen = [line for line in heard if "labels:" in line]
    return seen, (folder / "made").exists(), reached


_PICKLED = [exported_with_pickled_weights, exported_with_pickled_example]


@pytest.mark.parametrize("make", _PICKLED)
def test_code_in_a_pt2_runs_and_gets_nowhere(make, bench: Bench, bait, monkeypatch) -> None:
    monkeypatch.setenv("BOOKWIZ_SECRET", "token")
    seen, made, reached = attacked(bench, bait, make)
    assert seen, "the payload was not run: this test shows nothing"
    assert seen[0].count("denied") == 7, seen[0]
    assert (made, reached) == (False, False)


def test_the_same_code_gets_everywhere_without_walls(bench: Bench, bait) -> None:
    seen, made, reached = attacked(bench, bait, exported_with_pickled_weights, walls="none")
    assert "labels: 768" in seen[0]
    assert (made, reached) == (True, True)
