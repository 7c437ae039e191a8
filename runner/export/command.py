"""``bookwiz-runner export``: what is typed, and what is said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from runner.card import BenchmarkCard
from runner.contract import Task
from runner.failures import Refusal
from runner.formats.admission import has_torch
from runner.formats.output_contract import read_output_contract
from runner.formats.preprocessing import Preprocessing, read_preprocessing

if TYPE_CHECKING:
    from runner.export.writing import Exported

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _numbers(_: click.Context, __: click.Parameter, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")] if text else []
    except ValueError:
        raise click.BadParameter(
            "expected numbers with commas between, such as 0.5,0.5,0.5"
        ) from None


def _pixels(
    count: int, example: str
) -> Callable[[click.Context, click.Parameter, str], tuple[int, ...]]:
    def read(_: click.Context, __: click.Parameter, text: str) -> tuple[int, ...]:
        if not text:
            return ()
        try:
            found = tuple(int(part) for part in text.lower().split("x"))
        except ValueError:
            found = ()
        if len(found) != count or not all(0 < n <= 4096 for n in found):  # noqa: PLR2004
            raise click.BadParameter(f"expected {example}")
        return found

    return read


@click.command()
@click.argument("source")
@click.option("--benchmark", "card", type=_FILE, help="CARD.json of the benchmark's starter files.")
@click.option("--weights", type=_FILE, help="A .safetensors file, or a saved state_dict.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="model.onnx",
    show_default=True,
)
@click.option(
    "--scale",
    type=float,
    default=1 / 255,
    help="Pixels are multiplied by it first.  [default: 1/255]",
)
@click.option(
    "--mean", callback=_numbers, default="", help="Then this is subtracted, one for each channel."
)
@click.option("--std", callback=_numbers, default="", help="Then it is divided by this.")
@click.option(
    "--colour", type=click.Choice(["RGB", "BGR"]), default="RGB", help="What the module wants."
)
@click.option(
    "--size",
    callback=_pixels(2, "HEIGHTxWIDTH, such as 224x224"),
    default="",
    help="HxW, where the module wants another size than the benchmark's.",
)
@click.option(
    "--resize",
    type=click.Choice(["stretch", "letterbox"]),
    default="stretch",
    help="How images reach that size.",
)
@click.option("--output", default="", help="JSON, as the metadata key bookwiz.output.")
@click.option("--one-by-one", is_flag=True, help="The module takes one image at a time.")
@click.option(
    "--shape",
    callback=_pixels(3, "HEIGHTxWIDTHxCHANNELS, such as 32x32x3"),
    default="",
    help="HxWxC of the images, without a card.",
)
@click.option(
    "--task",
    type=click.Choice(["classification", "detection", "segmentation"]),
    help="Without a card.",
)
def export(
    source: str,
    card: Path | None,
    weights: Path | None,
    out: Path,
    scale: float,
    mean: list[float],
    std: list[float],
    colour: str,
    size: tuple[int, ...],
    resize: str,
    output: str,
    one_by_one: bool,
    shape: tuple[int, ...],
    task: Task | None,
) -> None:
    """Write a PyTorch module as ONNX that takes a benchmark's images as they are.

    \b
    SOURCE  FILE.py:NAME, a module, a class or a function that makes one without arguments;
            or the name of a registered architecture, with --weights and --benchmark

    The module takes float32 [N, channels, height, width] in evaluation mode. What is said of scale,
    mean and std happens inside the file. Your own Python file is run, on this machine only.
    """  # noqa: D301 - click's mark, not an escape
    try:
        benchmark = _card(card, shape, task)
        said: dict[str, object] = {"scale": scale, "colour": colour}
        said |= {name: numbers for name, numbers in (("mean", mean), ("std", std)) if numbers}
        if size:
            said |= {"size": list(size), "resize": resize}
        how = read_preprocessing(
            json.dumps(said), channels=benchmark.channels, source="the options"
        )
        read_output_contract(output, benchmark.task)
        exported = _exported(
            source, weights, benchmark, known=card is not None, how=how, output=output,
            one_by_one=one_by_one,
        )  # fmt: skip
    except Refusal as refusal:
        raise click.ClickException(_told(refusal)) from refusal
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(exported.data)
    click.echo(f"wrote {out} ({len(exported.data) / 1e6:.2f} MB)")
    click.echo(exported.words())
    click.echo(f"Next: bookwiz-runner check {out} --benchmark {card or 'card.json'}")


def _card(path: Path | None, shape: tuple[int, ...], task: Task | None) -> BenchmarkCard:
    """Return the benchmark's card, or one of nothing but the images' shape."""
    if path is not None:
        try:
            return BenchmarkCard.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise Refusal(
                "E_EXPORT",
                f"{path.name} is no benchmark card.",
                expected="card.json, as /benchmark starter gives it",
                got=f"{error.errors()[0]['msg']}: {'.'.join(map(str, error.errors()[0]['loc']))}",
            ) from error
    if not shape or task is None:
        raise click.UsageError("either --benchmark CARD.json, or --shape HxWxC and --task TASK")
    height, width, channels = shape
    return BenchmarkCard.model_validate(
        {
            "name": "none",
            "task": task,
            "classes": ("unknown",),
            "height": height,
            "width": width,
            "channels": channels,
        }
    )


def _exported(
    source: str,
    weights: Path | None,
    card: BenchmarkCard,
    *,
    known: bool,
    how: Preprocessing,
    output: str,
    one_by_one: bool,
) -> "Exported":
    """Return the file. Raises Refusal."""
    if not has_torch():
        raise Refusal(
            "E_EXPORT",
            "PyTorch is not installed here.",
            expected="the environment that you train in",
            fix="pip install torch, or install bookwiz where your torch is.",
        )
    from runner.export.modules import module_of
    from runner.export.writing import Wanted, write

    module = module_of(source, weights, card if known else None)
    wanted = Wanted(card.task, card.height, card.width, card.channels, how, output, one_by_one)
    return write(module, wanted)


def _told(refusal: Refusal) -> str:
    parts = (("expected", refusal.expected), ("got", refusal.got), ("fix", refusal.fix))
    lines = [f"{refusal.code}: {refusal.problem}"]
    return "\n".join(lines + [f"  {name}: {words}" for name, words in parts if words])
