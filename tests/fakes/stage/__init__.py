"""Both fakes with people in them, played by typed lines: for following the guide by hand.

``python -m tests.fakes`` starts it and says what can be typed; tests do ``await stage.play(line)``,
which gives what the person saw.
"""

import shlex

from tests.fakes.discord import CannotDo, DiscordFake
from tests.fakes.discord import NotThere as NotOnDiscord
from tests.fakes.hearing import NeverHappened
from tests.fakes.slack import CannotSubmit, SlackFake
from tests.fakes.slack import NotThere as NotOnSlack

from .discord import DiscordSide
from .side import Untold
from .slack import SlackSide

HELP = """\
What you can type (people: moira, who administers, ada, bo; words with spaces in "quotes"):

  discord invite LINK                      moira opens the link that brings the bot into her server
  slack paste FILE                         moira pastes the manifest and installs the app
  slack invite CHANNEL                     moira invites the app to a channel
  discord ada /checkin now                 type a command; options as name:value
  slack ada /checkin streak                type a command; on Slack all is words
  discord|slack ada fill "LABEL=VALUE" …   fill in what is on the screen, and send it
  discord|slack ada press LABEL            press a button of what was seen last
  discord|slack ada sees                   what came since
  slack ada home                           open the app's home
  discord revoke · discord remove          reset the token; take the bot out of the server
  slack revoke · slack remove              the same at Slack
  quit
"""
_WRONG = (CannotDo, NotOnDiscord, NotOnSlack, CannotSubmit, NeverHappened, Untold)


class Stage:
    """A Discord and a Slack where the app was just made, and is in no server and no workspace."""

    def __init__(self):
        self.discord_fake, self.slack_fake = DiscordFake(), SlackFake()

    async def __aenter__(self):
        await self.discord_fake.start()
        await self.slack_fake.start()
        self.discord, self.slack = DiscordSide(self.discord_fake), SlackSide(self.slack_fake)
        return self

    async def __aexit__(self, *_exc):
        await self.discord_fake.stop()
        await self.slack_fake.stop()

    @property
    def environment(self):
        """What an admin sets, and the addresses of these two instead of the real ones."""
        discord, slack = self.discord_fake, self.slack_fake
        return {
            "BOOKWIZ_DISCORD__TOKEN": discord.token,
            "BOOKWIZ_DISCORD__API_BASE": discord.api_base,
            "BOOKWIZ_DISCORD__GATEWAY": discord.gateway,
            "BOOKWIZ_SLACK__BOT_TOKEN": slack.bot_token,
            "BOOKWIZ_SLACK__APP_TOKEN": slack.app_token.value,
            "BOOKWIZ_SLACK__API_BASE": slack.api_base,
            "BOOKWIZ_SLACK__FILE_HOST": slack.file_host,
        }

    async def play(self, line):
        """Do what *line* says, and give what came of it in words."""
        try:
            words = shlex.split(line)
            if not words or words[0] not in ("discord", "slack") or len(words) == 1:
                return HELP
            side = self.discord if words[0] == "discord" else self.slack
            return await side.play(words[1:])
        except (*_WRONG, ValueError) as error:
            return f"cannot: {error}"
