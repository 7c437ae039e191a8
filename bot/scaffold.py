"""``bookwiz new-feature``: a folder that works, and its test, to be changed into what is wanted."""

import keyword
import re
from pathlib import Path

import jinja2

from bot.features import discover
from bot.kit.feature import commands_of

_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
_TEST = "test.py.jinja"
NEXT = """
Its test passes already: {python} -m pytest {test}

1. Give its table a migration: {bin}/bookwiz migrate --new "{name}"
2. Try it: make demo, then type /{name}
3. Change the words in {folder}/templates and the rules in service.py; a table that
   changed wants step 1 again.
"""


def new_feature(name: str, root: Path) -> list[Path]:
    """Write feature *name* and its test into the checkout at *root*, and return the files.

    Raises:
        ValueError: The name is no good or taken, or *root* is not a checkout. Nothing is written.
    """
    folder = root / "bot" / "features" / name
    _check(name, root)
    environment = jinja2.Environment(  # noqa: S701 - it writes Python, not HTML
        loader=jinja2.PackageLoader("bot", "scaffold_templates"),
        undefined=jinja2.StrictUndefined,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        keep_trailing_newline=True,
    )
    values = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "table": f"{name}_note",
    }
    written = []
    for template in sorted(environment.list_templates(["jinja"])):
        target = folder / template.removesuffix(".jinja")
        if template == _TEST:
            target = _test_of(name, root)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x") as file:
            file.write(environment.get_template(template).render(values))
        written.append(target)
    return written


def next_steps(name: str, root: Path) -> str:
    """What to do with a feature that was just written."""
    bin_ = ".venv/bin"
    return NEXT.format(
        name=name,
        bin=bin_,
        python=f"{bin_}/python",
        folder=f"bot/features/{name}",
        test=_test_of(name, root).relative_to(root),
    )


def _check(name: str, root: Path) -> None:
    if not (root / "bot" / "features").is_dir():
        msg = f"{root} is not a checkout of Bookwiz: there is no bot/features in it"
        raise ValueError(msg)
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name.endswith("_"):
        msg = f"{name!r} is no name for a feature: take a to z, 0 to 9 and _, at most 20, such as reading_list"
        raise ValueError(msg)
    features = discover()
    groups = {command.group for command in commands_of(features).values()}
    if name in features or name in groups:
        msg = f"{name!r} is taken by a feature or a group of commands: {', '.join(sorted({*features, *groups}))}"
        raise ValueError(msg)
    for path in (root / "bot" / "features" / name, _test_of(name, root)):
        if path.exists():
            msg = f"{path} is there already; nothing is overwritten"
            raise ValueError(msg)


def _test_of(name: str, root: Path) -> Path:
    return root / "tests" / "features" / f"test_{name}.py"
