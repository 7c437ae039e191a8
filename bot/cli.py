"""bookwiz: demo, up, say, migrate, doctor, manifest, verify, dataset, export, new-feature."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click
from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError

from bot.chat.local.say import say
from bot.config import Settings

_APP = "Bookwiz"  #: what the app is called at a platform


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bookwiz")
def main() -> None:
    """Run and look after the community bot."""


_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that the installation keeps everything in.",
)
_PORT = click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one."
)


def _settings(data: Path | None = None, port: int | None = None) -> Settings:
    try:
        settings = Settings(**({"data": data} if data else {}))
    except ValidationError as error:
        wrong = [
            f"BOOKWIZ_{'__'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
        ]
        raise click.ClickException(f"a setting is wrong. {'; '.join(wrong)}") from error
    if port is not None:
        settings.web.port = port
    return settings


def _run(work: Coroutine[Any, Any, int | None]) -> None:
    try:
        sys.exit(asyncio.run(work) or 0)
    except ArgumentError as error:
        raise click.ClickException(f"BOOKWIZ_DATABASE_URL is not an address: {error}") from error
    except PermissionError as error:
        raise click.ClickException(f"{error.strerror}: {error.filename}") from error
    except FileNotFoundError as error:
        raise click.ClickException(
            f"{error.strerror}: {error.filename}. Is the data folder right?"
        ) from error
    except KeyboardInterrupt:
        sys.exit(130)


@main.command()
@_DATA
@_PORT
def demo(data: Path | None, port: int | None) -> None:
    """Start it all on this machine, with people and benchmarks to play with."""
    if sys.platform != "linux":
        raise click.ClickException(
            f"the demo scores models, which needs Linux; this is {sys.platform}. Start it in a Linux"
            " virtual machine, WSL 2, or a Linux container."
        )
    from bot.demo import run

    _run(run(_settings(data, port)))


@main.command()
@_DATA
@_PORT
def up(data: Path | None, port: int | None) -> None:
    """Run the bot."""
    from bot.serve import serve

    _run(serve(_settings(data, port)))


@main.command()
@_DATA
@click.option(
    "--new", metavar="MESSAGE", help="In a checkout: write the migration for tables you changed."
)
def migrate(data: Path | None, new: str | None) -> None:
    """Bring the databases to the newest schema."""
    from bot.serve import migrate as migrate_all

    if new:
        from bot.app import Bot  # noqa: F401 - with it come all tables
        from bot.kit.migrate import write

        click.echo(f"wrote {write(new)}: read it before you keep it")

    _run(migrate_all(_settings(data)))


@main.command()
@click.argument("role")
@click.option("--database", default="jobs", show_default=True, help="Name of the job database.")
@click.option("--community", default="", help="Name of the community's, if on the same server.")
def grants(role: str, database: str, community: str) -> None:
    """Print the SQL that lets ROLE, and so runners, work on the job database and do no more."""
    from bot.kit.jobs.schema import grants as sql

    click.echo(sql(role, database=database, community=community))


@main.command()
@_DATA
@click.option(
    "--live",
    is_flag=True,
    help="Also log in at Discord and Slack, register the commands, and write to --to.",
)
@click.option(
    "--to",
    metavar="ID",
    multiple=True,
    help="With --live: your user id at Discord, or at Slack (U…), for one private message.",
)
def doctor(data: Path | None, live: bool, to: tuple[str, ...]) -> None:
    """Say what is on, what is missing, and what to type next."""
    if to and not live:
        raise click.ClickException("--to goes with --live")
    from bot.doctor import examine

    _run(examine(_settings(data), live=live, to=to))


@main.group()
def manifest() -> None:
    """What an admin pastes at a platform."""


@manifest.command("slack")
@click.option(
    "--url",
    metavar="https://…",
    default="",
    help="Where Slack reaches the bot. Without it: by Socket Mode, which needs no address.",
)
def manifest_slack(url: str) -> None:
    """Print the app manifest, to paste at https://api.slack.com/apps."""
    if url and not url.startswith("https://"):
        raise click.ClickException(f"Slack sends to https:// alone, and the address is {url}")
    from bot.chat.slack.manifest import manifest_for
    from bot.features import discover
    from bot.kit.feature import commands_of

    made = manifest_for(commands_of(discover()), name=_APP, url=url.rstrip("/"))
    click.echo(json.dumps(made, indent=2, ensure_ascii=False))


@main.command()
@click.argument("submission")
@_DATA
def verify(submission: str, data: Path | None) -> None:
    """Score SUBMISSION again from its model, and say which figures are the same."""
    from bot.verify import verify as compute

    _run(compute(_settings(data), submission))


@main.group()
def dataset() -> None:
    """Datasets that benchmarks stand on."""


@dataset.command("add", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@_DATA
def dataset_add(name: str, options: tuple[str, ...], data: Path | None) -> None:
    """Check images and labels, decode them once, and freeze them as a dataset version.

    \b
    bookwiz dataset add NAME --board SRC [--train SRC] [--dev SRC] [--shadow SRC]
                        --licence TEXT --source TEXT [--conditions shadow=TEXT]

    \b
    SRC by --task:  classification  a folder of class folders, a .npz file, or IMAGES,LABELS (IDX)
                    detection       FOLDER,INSTANCES.json (COCO) or a .npz file
                    segmentation    IMAGES,MASKS (two folders) or a .npz file

    All options: bookwiz-runner dataset add --help. Look through it first: bookwiz dataset check.
    """  # noqa: D301 - click's mark, not an escape
    from bot.datasets import add

    _run(add(_settings(data), name, options))


@dataset.command(
    "check",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Look through a dataset: repeats, light, likely wrong labels.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dataset_check(arguments: tuple[str, ...]) -> None:
    """Look through a dataset: bookwiz-runner dataset check, in a process of its own."""
    _runner("dataset", "check", *arguments)


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Write a PyTorch module as ONNX that a benchmark takes.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def export(arguments: tuple[str, ...]) -> None:
    """Write a PyTorch module as ONNX: bookwiz-runner export, in a process of its own."""
    _runner("export", *arguments)


def _runner(*words: str) -> NoReturn:
    """Do as ``bookwiz-runner`` does, in a process of its own, under the name that was typed."""
    start = "from runner.cli import main; main(prog_name='bookwiz')"
    sys.exit(subprocess.run([sys.executable, "-c", start, *words], check=False).returncode)


@main.command("new-feature")
@click.argument("name")
def new_feature(name: str) -> None:
    """Write a working feature folder and its test, to build on."""
    from bot.scaffold import new_feature as scaffold
    from bot.scaffold import next_steps

    try:
        written = scaffold(name, Path.cwd())
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(next_steps(name, Path.cwd()))


main.add_command(say)

if __name__ == "__main__":
    main()
