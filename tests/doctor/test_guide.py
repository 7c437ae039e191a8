"""The chapters Discord and Slack of the guide, followed in order with real processes.

Their shell blocks run as they stand, only with real values where the guide has “…”; what the guide
has people do at Discord and Slack is played on the fakes.
"""

import asyncio
import json
import os
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.stage import Stage

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/self-hosting.md").read_text()
PROGRAM = f'bookwiz() {{ {sys.executable} -m bot.cli "$@"; }}\nset -e\n'
_SECONDS = 60


def blocks(chapter):
    """The shell blocks of a chapter (or of what stands below a heading), in order."""
    text = re.split(r"^##+ ", GUIDE.partition(f"# {chapter}\n")[2], flags=re.MULTILINE)[0]
    return [
        re.sub(r"^   ", "", block, flags=re.MULTILINE)
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    ]


class Admin:
    """Somebody who types what the guide says, into one shell."""

    def __init__(self, stage, folder):
        self.stage, self.folder = stage, folder
        self.secrets = {n: v for n, v in stage.environment.items() if "TOKEN" in n}
        self.set = {n: v for n, v in stage.environment.items() if n not in self.secrets}
        self.set |= {"BOOKWIZ_DATA": str(folder / "data"), "BOOKWIZ_WEB__PORT": "0"}
        self.set |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    async def type(self, block, *, me=None):
        """Run *block*; give how it ended and what it printed. What it exports stays set."""
        for name, value in re.findall(r"\b(BOOKWIZ_\w+)=(\S+)", block):
            self.set[name] = self.secrets.get(name, value)
        filled = re.sub(r"^export .*$", "", block, flags=re.MULTILINE)
        shell = await self._started(
            "bash", "-c", PROGRAM + filled.replace("YOUR-ID", str(me)), out=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(shell.communicate(), _SECONDS)
        return shell.returncode, said.decode()

    async def _started(self, *words, out):
        return await asyncio.create_subprocess_exec(
            *words, stdout=out, stderr=asyncio.subprocess.STDOUT, env=self.set, cwd=self.folder
        )

    @asynccontextmanager
    async def up(self, *signs):
        """``bookwiz up``, once its log shows all *signs*."""
        log = self.folder / "up.log"
        with log.open("wb") as out:
            bot = await self._started(sys.executable, "-m", "bot.cli", "up", out=out)
        try:
            async with asyncio.timeout(_SECONDS):
                while not all(sign in log.read_text() for sign in signs):
                    assert bot.returncode is None, log.read_text()
                    await asyncio.sleep(0.1)
            yield log
        finally:
            bot.terminate()
            await asyncio.wait_for(bot.wait(), _SECONDS)


@pytest.fixture
async def stage():
    async with Stage() as made:
        yield made


@pytest.fixture
def admin(stage, tmp_path):
    return Admin(stage, tmp_path)


def says(sign):
    """*sign*, which the guide tells to look for."""
    assert f"`{sign}`" in GUIDE
    return sign


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_guide_leads_from_nothing_to_both_platforms(stage, admin):
    await discord_to_the_end(stage, admin)
    await slack_to_the_end(stage, admin)
    async with admin.up(says("discord.connected"), says("slack.connected")):
        code = re.search(r"code:\S+?(?=`)", await stage.play("discord ada /profile link"))[0]
        assert "Are these both you" in await stage.play(f"slack ada /profile link {code}")
        assert "one now" in await stage.play("slack ada press Join them")
        assert "1 week" in await stage.play("discord ada /checkin streak")
    assert not stage.discord_fake.unknown_requests
    assert not stage.discord_fake.violations


async def discord_to_the_end(stage, admin):
    first, live = blocks("Discord")
    _, said = await admin.type(first)
    [link] = re.findall(r"invite it with (https://\S+)", said)
    await stage.play(f"discord invite '{link}'")
    moira = stage.discord.people["moira"].id
    code, said = await admin.type(live, me=moira)
    assert (code, "LOOK" in said) == (0, False), said
    assert "Bookwiz can write to you" in await stage.play("discord moira sees")
    async with admin.up(says("discord.connected")) as log:
        assert "no channel yet" in await stage.play("discord moira /admin config")
        form = await stage.play("discord moira press Set it up")
        assert form.startswith("[form] /admin setup")
        line = "discord moira /admin setup name:Lab zone:Berlin results:results moderators:general"
        assert "How Lab is set up" in await stage.play(line)
        await stage.play("discord ada /checkin now")
        done = await stage.play('discord ada fill "Done=Read a paper" "Next=Reproduce it"')
        assert "Saved" in done
        stage.discord_fake.remove_bot(stage.discord.guild)
        await stage.discord_fake.until(lambda: says("discord.removed") in log.read_text())
        stage.discord_fake.add_bot(stage.discord.guild)


async def slack_to_the_end(stage, admin):
    manifest, first, live = blocks("One workspace, by Socket Mode")
    await admin.type(manifest)
    await stage.play(f"slack paste {admin.folder}/manifest.json")
    code, said = await admin.type(first)
    assert (code, "LOOK" in said) == (0, False), said
    code, said = await admin.type(live, me=stage.slack.people["moira"].id)
    assert (code, "LOOK" in said) == (0, False), said
    assert "Bookwiz can write to you" in await stage.play("slack moira sees")
    async with admin.up(says("slack.connected")):
        await stage.play("slack invite general")
        assert (await stage.play("slack moira /admin setup")).startswith("[form] /admin setup")
        assert "How Lab is set up" in await stage.play("slack moira fill General=general")
        assert "is for admins" in await stage.play("slack bo /admin config")


async def test_the_manifest_for_http_sends_slack_to_the_address(stage, admin):
    code, _ = await admin.type(blocks("By HTTP, and in several workspaces")[0])
    made = json.loads((admin.folder / "manifest.json").read_text())
    assert code == 0
    events = made["settings"]["event_subscriptions"]["request_url"]
    assert events == f"{admin.set['BOOKWIZ_WEB__PUBLIC_URL']}/slack/events"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("discord nobody /checkin now", "cannot: there is no 'nobody'"),
        ("discord ada fill Done=x", "cannot: there is no form on the screen"),
        ("slack ada /checkin now", "cannot: /checkin is not a valid command"),
        ("discord ada press Nothing", "cannot: no message has a button"),
        ("discord invite https://discord.com/x?client_id=1", "cannot: Unknown application"),
        ("hello", "What you can type"),
    ],
)
async def test_a_line_that_cannot_be_played_says_why(stage, line, answer):
    assert (await stage.play(line)).startswith(answer)
