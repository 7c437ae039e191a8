"""``python -m tests.preview FILE``: real answers and messages, drawn as both platforms draw them."""

import asyncio
import sys
import tempfile
from pathlib import Path

from sqlalchemy import select

from bot.app import Bot
from bot.chat.discord import cards
from bot.chat.slack import blocks
from bot.config import Settings
from bot.kit.message import Image, Message
from bot.kit.outbox import OutboxMessage
from bot.kit.testing import StillEngine, TurnableClock
from tests.conformance.local import LocalWorld
from tests.conformance.scenarios import SCENARIOS
from tests.conftest import empty, set_up
from tests.desk_here import DeskHere
from tests.preview import as_discord, as_slack

SHOWN = [
    "bookwiz start",
    "bookwiz help",
    "bookwiz home",
    "checkin now",
    "checkin history",
    "profile show",
    "model submit",
    "model card",
    "model list",
    "leaderboard show",
    "leaderboard compare",
    "benchmark show",
    "benchmark rules",
    "analysis diff",
    "admin status",
    "admin setup",
]
PAGE = """<!doctype html><meta charset="utf-8"><title>How messages look</title><style>
body{margin:0;font:15px/1.35 "Noto Sans",sans-serif;background:#888}
section{display:flex;gap:16px;padding:12px;align-items:flex-start}
h4{margin:0 0 4px;font-size:12px;opacity:.7}
.phone{width:360px;padding:10px;overflow:hidden;box-sizing:border-box}
.discord{background:#313338;color:#dbdee1}.slack{background:#fff;color:#1d1c1d}
.card{background:#2b2d31;border:1px solid #3f4147;border-radius:8px;padding:10px;margin:4px 0}
.text{margin:2px 0}.text h2,.text h3,.slack h2{margin:4px 0;font-size:19px}.text h3{font-size:16px}
.gap{height:9px}small{color:#8a8f98;display:block;font-size:12px}.item{padding-left:6px}
pre{font:12.5px/1.3 monospace;white-space:pre-wrap;background:#0003;padding:6px;margin:4px 0;border-radius:4px}
code{font:13px monospace;background:#0003;padding:0 3px;border-radius:3px}
.slack pre,.slack code{background:#f4f4f4}.slack code{color:#c7254e}
blockquote{border-left:3px solid #777;margin:2px 0;padding-left:8px}mark{background:#5865f233;color:inherit}
button{border:0;border-radius:6px;padding:7px 13px;margin:4px 6px 0 0;font-size:14px;color:#fff;background:#4e5058}
button.primary{background:#5865f2}button.danger{background:#da373c}
.slack button{background:#fff;color:#1d1c1d;border:1px solid #bbb}
.slack button.primary{background:#007a5a;color:#fff}.slack button.danger{background:#e01e5a;color:#fff}
.picture{background:repeating-linear-gradient(45deg,#9996,#9996 8px,#bbb6 8px,#bbb6 16px);min-height:110px;
border-radius:6px;padding:8px;font-size:12px;margin:4px 0}.file{border:1px solid #7776;border-radius:6px;padding:8px;margin:4px 0}
a{color:#00a8fc}.slack a{color:#1264a3}
</style>"""


async def main(target: Path) -> None:
    made = [PAGE]
    for name in SHOWN:
        if name in SCENARIOS:
            with tempfile.TemporaryDirectory() as folder:
                shown, store = await told(name, Path(folder))
                made += [
                    section(name, message, store) for message in shown
                ]  # while files are there
    await asyncio.to_thread(target.write_text, "\n".join(made))
    sys.stdout.write(f"wrote {target}\n")


async def told(name, data):
    """Play a scenario; gives its last answer, and what the outbox held at its end."""
    settings = Settings(_env_file=None, data=data, web={"port": 0})
    bot = Bot(
        settings,
        StillEngine(),
        clock=TurnableClock(),
        desk=DeskHere(data / "files", data / "datasets"),
    )
    await set_up(bot.database, data / "template.db")
    await bot.prepare()
    await bot.engine.start(bot.outcome, bot.progress)
    world = LocalWorld(bot)
    answers = []
    handle = bot.core.handle

    async def listening(invocation):
        answer = await handle(invocation)
        if answer.message is not None:
            answers.append(answer.message)
        return answer

    bot.core.handle = listening
    await world.start()
    try:
        await SCENARIOS[name](world)
        async with bot.database.read() as session:
            bodies = (await session.scalars(select(OutboxMessage.body))).all()
    finally:
        await world.stop()
        await empty(bot)
    said = [Message.model_validate_json(body) for body in bodies] if "model" in name else []
    return [answers[-1], *said], bot.files


def section(name, message, store):
    pictures = {b.sha256: "F1" for b in message.blocks if isinstance(b, Image)}
    left = "".join(
        as_discord.drawn(part.view().to_components(), part.files)
        for part in cards.parts(message, store)
    )
    right = "<hr>".join(as_slack.drawn(part.blocks) for part in blocks.parts(message, pictures))
    return (
        f'<section><div class="phone discord"><h4>/{name} on Discord</h4>{left}</div>'
        f'<div class="phone slack"><h4>/{name} on Slack</h4>{right}</div></section>'
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/preview.html")))
