"""People on the stage's Discord."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.fakes.discord.choosing import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    INTEGER,
    NUMBER,
    ROLE,
    USER,
    declared_options,
    find_command,
)
from tests.fakes.discord.reading import (
    CHANNEL_SELECT,
    FILE_UPLOAD,
    LABEL,
    ROLE_SELECT,
    USER_SELECT,
)

from .side import Side, Untold

_YES = {"yes", "true", "on"}


class DiscordSide(Side):
    """A server that the bot is not in yet."""

    def __init__(self, fake):
        super().__init__(fake)
        self.guild = fake.guild("Book Club", bot=False)
        for name, admin in (("Moira", True), ("Ada", False), ("Bo", False)):
            self.people[name.lower()] = fake.member(self.guild, name, admin=admin)
        for name in ("general", "results", "moderators"):
            fake.channel(self.guild, name)

    async def invite_(self, link):
        """Moira opens *link*, chooses her server, and allows what it asks for."""
        asked = parse_qs(urlsplit(link).query)
        scopes = asked.get("scope", [""])[0].split()
        if asked.get("client_id") != [str(self.fake.app_id)]:
            raise Untold("Unknown application")
        if not {"bot", "applications.commands"} <= set(scopes):
            raise Untold(f"that link invites no bot with commands: {scopes}")
        self.fake.add_bot(self.guild, permissions=int(asked["permissions"][0]))
        return f"{self.fake.bot_user.name} is in {self.guild.name}"

    async def revoke_(self):
        await self.fake.revoke()
        return "the token is of no use any more"

    async def remove_(self):
        self.fake.remove_bot(self.guild)
        return "the bot is out of the server"

    @property
    def general(self):
        return self._channel("general")

    def _channel(self, name):
        found = [c for c in self.guild.channels if c.name == name.removeprefix("#")]
        if not found:
            raise Untold(f"there is no channel {name}")
        return found[0]

    async def command(self, person, words):
        """Type a command: its words, then options as ``name:value``."""
        name = [w for w in words if ":" not in w]
        given = dict(w.split(":", 1) for w in words if ":" in w)
        path = " ".join(name).strip("/").split()
        command, path = find_command(self.fake._offered(person, self.general), path)
        kinds = {o["name"]: o["type"] for o in declared_options(command, path)}
        options = {n: self._meant(kinds.get(n), value) for n, value in given.items()}
        deed = await self.fake.command(person, self.general, " ".join(name), options)
        await deed.acked()

    def _meant(self, kind, value):
        if kind == INTEGER:
            return int(value)
        if kind == NUMBER:
            return float(value)
        if kind == BOOLEAN:
            return value.lower() in _YES
        if kind in (USER, USER_SELECT):
            return self.people[value.removeprefix("@").lower()]
        if kind in (CHANNEL, CHANNEL_SELECT):
            return self._channel(value)
        if kind in (ROLE, ROLE_SELECT):
            return next(r for r in self.guild.roles if r.name == value.removeprefix("@"))
        if kind in (ATTACHMENT, FILE_UPLOAD):
            return self.fake.file(Path(value).name, Path(value).read_bytes())
        return value

    async def fill(self, person, given):
        """Fill in the modal on *person*'s screen and send it."""
        modal = self.screen(person)
        if modal is None:
            raise Untold("there is no form on the screen")
        inner = {p["label"]: p["component"] for p in modal.components if p["type"] == LABEL}
        of_modal = {CHANNEL_SELECT, USER_SELECT, ROLE_SELECT, FILE_UPLOAD}
        values = {
            label: self._meant(kind, value)
            if (kind := inner.get(label, {}).get("type")) in of_modal
            else value
            for label, value in given.items()
        }
        deed = await self.fake.submit(person, modal, values)
        await deed.acked()

    async def press(self, person, label):
        for message in reversed(self.fake.seen_by(person)):
            if label in message.buttons:
                deed = await self.fake.press(person, message, label)
                await deed.acked()
                return
        raise Untold(f"no message has a button {label!r}")

    def screen(self, person):
        """Give the form on *person*'s screen."""
        opened = [d.modal for d in self.fake.deeds.values() if d.user.id == person.id]
        opened = [m for m in opened if m is not None and m.open]
        return opened[-1] if opened else None

    def form_text(self, modal):
        return modal.text

    def seen(self, person):
        return [(m.id, m.text) for m in self.fake.seen_by(person) if m.text]
