"""``bookwiz dataset add``: the runner checks and freezes the images, the bot makes them known.

The runner does it in a process of its own: pictures are untrusted, and decoding them is its trade.
"""

import asyncio
import sys
from collections.abc import Sequence

import click
from pydantic import ValidationError

from bot.config import Settings
from bot.features.leaderboards.benchmarks import add_dataset
from bot.kit import migrate as migrations
from bot.kit.clock import Clock
from bot.kit.db import Database
from runner.contract import DatasetManifest


async def child(*arguments: str) -> bytes:
    """Run ``bookwiz-runner`` with *arguments* and give what it printed.

    Raises:
        click.ClickException: It failed; in its own words.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "runner",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode:
        words = err.decode(errors="replace").strip().removeprefix("Error: ")
        raise click.ClickException(words or f"the runner ended with {process.returncode}")
    return out


async def be_current(database: Database) -> None:
    """Raises click.ClickException: The schema is not the one that this version needs."""
    if not await migrations.is_current(database):
        raise click.ClickException(
            "The database has an older schema, or none yet. Type: bookwiz migrate"
        )


async def freeze(settings: Settings, name: str, options: Sequence[str]) -> DatasetManifest:
    """Let the runner write a dataset version below the data folder.

    Raises:
        click.ClickException: It found something wrong; in its own words.
    """
    data = settings.data.absolute()
    folders = ["--datasets", str(data / "datasets"), "--artifacts", str(data / "files")]
    out = await child("dataset", "add", name, *options, *folders, "--json")
    try:
        return DatasetManifest.model_validate_json(out)
    except ValidationError as error:
        raise click.ClickException(f"the runner's answer was no manifest: {error}") from error


async def add(settings: Settings, name: str, options: Sequence[str]) -> None:
    database = Database(settings.database)
    try:
        await be_current(database)
        manifest = await freeze(settings, name, options)
        async with database.write() as session:
            new = await add_dataset(session, manifest, now=Clock().now())
    finally:
        await database.close()
    click.echo(f"{'added' if new else 'known already:'} {manifest.key}")
    for split in manifest.splits:
        click.echo(f"  {split.split:7} {split.images:>8,} images")
    for warning in manifest.warnings:
        click.echo(f"  warning: {warning}")
    click.echo(f"Open a benchmark on it: /benchmark create dataset:{manifest.key}")
