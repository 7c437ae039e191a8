"""``bookwiz-runner check``: what is typed, what is said, and what a script may rely on."""

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from runner.failures import Refusal

if TYPE_CHECKING:
    from runner.card import BenchmarkCard

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_STATUS = ("accept", "refuse", "contain", "unknown")  # place: exit status


class _Check(click.Command):
    """Ends as ``unknown`` where click would end with 2, which a script would read as ``contain``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _unknown(as_json="--json" in args):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with _unknown(as_json=ctx.params["as_json"]):
            return super().invoke(ctx)


@contextmanager
def _unknown(*, as_json: bool) -> Iterator[None]:
    """Say whatever goes wrong inside as a verdict, with exit status 3: the file is not to blame."""
    try:
        yield
    except click.UsageError as error:
        _end(Refusal("E_USAGE", got=error.format_message()), as_json=as_json)
    except Refusal as refusal:
        _end(refusal, as_json=as_json)
    except (click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - a defect must not look like a refusal (status 1)
        traceback.print_exc()
        _end(Refusal("E_RUNNER_BUG", got=repr(error)), as_json=as_json)


def _end(refusal: Refusal, *, as_json: bool) -> NoReturn:
    from runner.checking import Checked
    from runner.evaluate import failure_of

    found = Checked("unknown", None, 0.0, failure_of(refusal))
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else found.words())
    sys.exit(_STATUS.index("unknown"))


@click.command(cls=_Check)
@click.argument("model", type=_FILE)
@click.option("--benchmark", "card", type=_FILE, help="CARD.json of the benchmark's starter files.")
@click.option("--dataset", "key", help="Key of a dataset version, on a runner.")
@click.option(
    "--datasets",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of dataset versions.",
)
@click.option("--architecture", default="", help="For safetensors: whose weights these are.")
@click.option("--preproc", default="", help="JSON, as the metadata key bookwiz.preproc.")
@click.option("--output", default="", help="JSON, as the metadata key bookwiz.output.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    model: Path,
    card: Path | None,
    key: str | None,
    datasets: Path | None,
    as_json: bool,
    **said: str,
) -> None:
    """Say whether MODEL could be scored: accept (exit status 0), refuse (1), contain (2).

    Contain: nothing forbids it, but only running it in the benchmark's sandbox decides. Unknown (3):
    the model was not looked at, because the card, a path or an option is wrong or something of ours
    failed. Use --benchmark for your own file on your own machine; nothing is sent anywhere.
    """
    from runner.checking import check_for_card, check_for_dataset
    from runner.contract import Declared

    declared = Declared(**said)
    if card is not None and key is None:
        found = check_for_card(model, _read_card(card), declared=declared)
    elif key is not None and datasets is not None and card is None:
        found = check_for_dataset(model, key, datasets=datasets, declared=declared)
    else:
        raise click.UsageError("either --benchmark CARD.json, or --dataset KEY and --datasets DIR")
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else found.words())
    sys.exit(_STATUS.index(found.verdict))


def _read_card(path: Path) -> "BenchmarkCard":
    """Return the card in a file. Raises Refusal (E_CARD)."""
    from pydantic import ValidationError

    from runner.card import BenchmarkCard

    try:
        return BenchmarkCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        got = f"{path.name}: {where}: {wrong['msg']}" if where else f"{path.name}: {wrong['msg']}"
        raise Refusal("E_CARD", got=got) from error
