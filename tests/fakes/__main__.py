"""``python -m tests.fakes``: both fakes on this machine, for following the guide by hand.

Prints the variables to set (``export …``); with ``--env FILE`` they are written there as well.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from .stage import HELP, Stage


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, help="file to write the variables to")
    env = parser.parse_args().env
    async with Stage() as stage:
        lines = "".join(f"export {name}={value}\n" for name, value in stage.environment.items())
        if env:
            env.write_text(lines)
        moira = f"--to {stage.discord.people['moira'].id} --to {stage.slack.people['moira'].id}"
        print(f"{lines}\nmoira's ids: {moira}\n\n{HELP}", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "quit":
                break
            print(f"{await stage.play(line)}\n", flush=True)


asyncio.run(main())
