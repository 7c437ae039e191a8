"""``bookwiz-runner``: datasets in, models scored, walls proved."""

import json
import sys
from pathlib import Path
from typing import Literal, get_args

import click

from runner.check_command import check
from runner.contract import Task
from runner.export.command import export


class _Lazily(click.Group):
    """Knows ``work`` without importing what it needs: half a second that only it should pay."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "work"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "work":
            return super().get_command(ctx, cmd_name)
        try:
            from runner.worker import work
        except ImportError as error:
            raise click.ClickException(
                "work needs Procrastinate: pip install 'bookwiz[postgres]'"
            ) from error
        return work


@click.group(cls=_Lazily)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Score models on benchmarks, safely."""
    # Models are exported where they were trained; all else ends in a cell, made of Linux's own calls.
    if sys.platform != "linux" and ctx.invoked_subcommand != "export":
        lacking = click.ClickException(
            f"bookwiz-runner needs Linux for all but export; this is {sys.platform}. Use a Linux"
            " virtual machine, WSL 2, or a container."
        )
        lacking.exit_code = 3  # as of a check that could not be made: 1 would speak of a model
        raise lacking


@main.command()
def serve() -> None:
    """Take evaluations as JSON lines on stdin and answer on stdout, until stdin ends."""
    from runner.serve import serve as run

    run()


@main.command()
@click.option("--files", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--datasets", type=click.Path(file_okay=False, path_type=Path), required=True)
def desk(files: Path, datasets: Path) -> None:
    """Score, rank and draw: errands as JSON lines on stdin, answers on stdout. Runs no model."""
    from runner.desk import serve as run

    run(files, datasets)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def evaluate(file: Path) -> None:
    """Run one evaluation described in FILE (JSON) and print its outcome."""
    from runner.contract import Evaluation
    from runner.evaluate import Evaluator
    from runner.sandbox.tier import prove, unsafe_allowed

    evaluation = Evaluation.model_validate_json(file.read_bytes())
    evaluator = Evaluator(prove().tier, allow_none=unsafe_allowed())
    try:
        outcome = evaluator.evaluate(
            evaluation, lambda p: click.echo(f"{p.stage} {p.done:.0%}", err=True)
        )
    finally:
        evaluator.close()
    click.echo(outcome.model_dump_json(indent=2))
    sys.exit(0 if outcome.failure is None else 1)


@main.command()
@click.option("--quick", is_flag=True, help="Leave out the attacks that take seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def probe(quick: bool, as_json: bool) -> None:
    """Try to break out of this runner's sandbox and say what held, and what to type for more."""
    from runner.sandbox.tier import prove

    proof = prove(thorough=not quick)
    if as_json:
        probes = [
            {
                "probe": p.name,
                "held": p.held,
                "answer": p.answer,
                "wall": p.wall,
                "needed": p.needed,
                "says": p.sentence(),
            }
            for p in proof.probes
        ]
        words = {"tier": proof.tier, "case": proof.case, "advice": proof.advice}
        click.echo(json.dumps({**words, "refused": proof.refused, "probes": probes}, indent=2))
    else:
        click.echo(f"tier: {proof.tier}")
        for line in (proof.case, proof.refused, proof.advice):
            if line:
                click.echo(f"  {line}")
        for p in proof.probes:
            mark = "held" if p.held else "OPEN" if p.needed else "none"
            click.echo(f"  {mark} {p.sentence()}")
    sys.exit(0 if proof.tier != "none" else 1)


@main.group()
def dataset() -> None:
    """Freeze datasets for benchmarks."""


def _resize(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        height, width = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise click.BadParameter("expected HEIGHTxWIDTH, such as 32x32") from None
    if not (0 < height <= 4096 and 0 < width <= 4096):  # noqa: PLR2004
        raise click.BadParameter("expected 1 to 4096 pixels")
    return height, width


_PLACE = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataset.command()
@click.argument("name")
@click.option("--task", type=click.Choice(get_args(Task)), default="classification")
@click.option("--train", help="Public images to learn from.")
@click.option("--dev", help="Public images with full diagnostics.")
@click.option("--board", required=True, help="Hidden images that rank.")
@click.option("--shadow", help="Hidden images, silent until the season's end.")
@click.option("--licence", required=True)
@click.option("--source", required=True, help="Where the images come from.")
@click.option("--datasets", type=_PLACE, required=True)
@click.option("--artifacts", type=_PLACE, required=True)
@click.option("--conditions", multiple=True, metavar="SPLIT=TEXT", help="Where a split differs.")
@click.option("--resize", callback=_resize, metavar="HxW", help="For pictures of several sizes.")
@click.option("--fit", type=click.Choice(["stretch", "letterbox"]), default="stretch")
@click.option("--classes", type=_FILE, help="Names of a segmentation's classes, json or lines.")
@click.option("--attributes", type=_FILE, help="What is known of each file, csv or json.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def add(
    name: str,
    task: Task,
    licence: str,
    source: str,
    datasets: Path,
    artifacts: Path,
    conditions: tuple[str, ...],
    resize: tuple[int, int] | None,
    fit: Literal["stretch", "letterbox"],
    classes: Path | None,
    attributes: Path | None,
    as_json: bool,
    **splits: str | None,
) -> None:
    """Freeze a dataset version NAME of splits.

    \b
    classification  a folder of class folders, a .npz file, or IMAGES,LABELS (IDX)
    detection       FOLDER,INSTANCES.json (COCO) or a .npz file
    segmentation    IMAGES,MASKS (two folders) or a .npz file
    """  # noqa: D301 - click's mark, not an escape
    from runner.datasets.adding import SPLITS, Card, add_dataset
    from runner.datasets.loading import Reading, load_source
    from runner.datasets.resizing import Resize
    from runner.datasets.source import DatasetError

    said = dict(text.partition("=")[::2] for text in conditions)
    how = Reading(task, Resize(*resize, fit) if resize else None, classes, attributes)
    try:
        sources = {split: load_source(text, how) for split in SPLITS if (text := splits[split])}
        card = Card(name, task, licence, source, said)
        manifest = add_dataset(card, sources, datasets=datasets, artifacts=artifacts)
    except DatasetError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(manifest.model_dump_json(indent=2))
        return
    click.echo(manifest.key)
    for warning in manifest.warnings:
        click.echo(f"warning: {warning}", err=True)


@dataset.command("check")
@click.argument("what", metavar="PATH_OR_KEY")
@click.option("--datasets", type=_PLACE, help="The folder of dataset versions, for a key.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the page here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_dataset(what: str, datasets: Path | None, out: Path | None, as_json: bool) -> None:
    """Look through a dataset: repeats, light, likely wrong labels. Nothing is sent anywhere.

    PATH_OR_KEY is a folder, an archive (.zip, .tar.gz, .npz), or with --datasets the key of a
    version. Exit status 0: nothing grave; 1: something to mend first; 2: it cannot be read.
    """
    from runner.datasets.eda import offline
    from runner.failures import Refusal

    try:
        report = offline(what, datasets)
    except Refusal as refusal:
        found = refusal.words()
        click.echo(json.dumps(found) if as_json else "\n".join(filter(None, found.values())))
        sys.exit(2)
    if out is not None:
        out.write_text(report.page)
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else report.as_text())
    sys.exit(1 if report.figures["grave"] else 0)


@main.command()
@click.option("--out", type=_PLACE, required=True)
def digits(out: Path) -> None:
    """Write the demo's digits dataset and two baseline models to a folder."""
    from runner.baselines import write_digits

    files = write_digits(out)
    for path in (*files.splits.values(), *files.models.values()):
        click.echo(path)


@main.command()
@click.option("--out", type=_PLACE, required=True)
def shapes(out: Path) -> None:
    """Write the demo's world of shapes, for detection and segmentation, and four baseline models."""
    from runner.shapes.making import write_shapes

    for path in write_shapes(out):
        click.echo(path)


main.add_command(check)
main.add_command(export)
