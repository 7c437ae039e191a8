"""People on the stage's Slack."""

import json
from pathlib import Path

from tests.fakes.slack.reading import elements_of, label_of

from .side import Side, Untold


class SlackSide(Side):
    """A workspace where the app has no scope and hears nothing before its manifest is pasted."""

    def __init__(self, fake):
        super().__init__(fake)
        for name, admin in (("Moira", True), ("Ada", False), ("Bo", False)):
            self.people[name.lower()] = fake.person(name, admin=admin)
        for name in ("general", "results", "moderators"):
            fake.channel(name, bot=False)
        fake.team.token.scopes, fake.subscriptions, self.commands = set(), set(), set()

    async def paste_(self, file):
        """Moira pastes the manifest in *file*, and installs the app into the workspace."""
        return self.paste(Path(file).read_text())

    def paste(self, manifest):
        made = json.loads(manifest)
        self.fake.team.token.scopes = set(made["oauth_config"]["scopes"]["bot"])
        self.fake.subscriptions = set(made["settings"]["event_subscriptions"]["bot_events"])
        self.fake.sockets.enabled = made["settings"]["socket_mode_enabled"]
        self.commands = {c["command"] for c in made["features"]["slash_commands"]}
        return f"{made['display_information']['name']} is in {self.fake.team.name}"

    async def invite_(self, channel):
        await self.fake.enter(self.fake.team.bot, self._channel(channel))
        return f"the app is in {channel}"

    async def revoke_(self):
        self.fake.revoke()
        return "the token is of no use any more"

    async def remove_(self):
        await self.fake.uninstall()
        return "the app is out of the workspace"

    @property
    def general(self):
        return self._channel("general")

    def _channel(self, name):
        found = [c for c in self.fake.team.channels if c.name == name.removeprefix("#")]
        if not found:
            raise Untold(f"there is no channel {name}")
        return found[0]

    async def command(self, person, words):
        """Type a command; Slack knows the first word, and the app the rest."""
        if words[0] not in self.commands:
            raise Untold(f"{words[0]} is not a valid command")
        said = " ".join(f'"{w}"' if " " in w and ":" not in w else _quoted(w) for w in words[1:])
        deed = await self.fake.slash(person, self.general, words[0], said)
        await deed.acked()

    async def fill(self, person, given):
        """Fill in the view on *person*'s screen and send it."""
        view = self.screen(person)
        if view is None:
            raise Untold("there is no form on the screen")
        kinds = {label_of(b, e): e["type"] for b, e in elements_of(view.blocks)}
        values, files = {}, {}
        for label, value in given.items():
            kind = kinds.get(label, "")
            if kind == "file_input":
                content = Path(value).read_bytes()
                files[label] = [self.fake.file(Path(value).name, content, person=person)]
            elif kind in ("channels_select", "conversations_select"):
                values[label] = self._channel(value)
            elif kind == "users_select":
                values[label] = self.people[value.removeprefix("@").lower()]
            else:
                values[label] = value
        deed = await self.fake.submit_view(person, view, values, files=files)
        await deed.acked()
        if view.errors:
            raise Untold(f"the form says: {view.errors}")

    async def press(self, person, label):
        for message in reversed(self._messages(person)):
            if label in message.buttons:
                deed = await self.fake.press(person, message, label)
                await deed.acked()
                return
        raise Untold(f"no message has a button {label!r}")

    async def home(self, person):
        """Open the app's home."""
        await self.fake.open_home(person)
        await self.quiet()
        home = self.fake.screens.home(person)
        return "(an empty home)" if home is None else home.words

    def screen(self, person):
        return self.fake.screens.top(person)

    def form_text(self, view):
        return f"{view.title}\n{view.words}"

    def _messages(self, person):
        found = [
            m
            for c in self.fake.team.channels
            if person in c.members and not c.deleted
            for m in c.seen_by(person)
        ]
        return sorted(found, key=lambda m: float(m.ts))

    def seen(self, person):
        return [(m.ts, m.words) for m in self._messages(person) if m.words]


def _quoted(word):
    """*word* as a person types it again: ``name:"two words"``."""
    name, colon, value = word.partition(":")
    return f'{name}:"{value}"' if colon and " " in value else word
