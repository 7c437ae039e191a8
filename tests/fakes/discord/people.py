"""What people do: commands, menus, buttons, selects, modals. Each gives a Deed."""

import secrets

from . import payloads
from .choosing import (
    CannotDo,
    Resolved,
    declared_options,
    fill_options,
    find_command,
    nested,
)
from .deeds import TYPES, Deed
from .filling import filled_in
from .limits import NITRO_FILE
from .permissions import ALL, may, permissions_of, sees
from .reading import BUTTON, SELECTS, STRING_SELECT, find, option_of
from .world import Message

GUILD, BOT_DM = 0, 1
LINK = 5  # a button that opens an address; the bot hears nothing of it


class People:
    """The verbs of people. They return when Discord has told the bot; the deed has the waits."""

    async def command(self, person, channel, name, options=None):
        """Send a command such as ``/model submit``; *options* by name.

        Files, members, roles and channels are given as themselves; choices by name or value.
        """
        command, path = find_command(self._offered(person, channel), name.strip("/").split())
        declared = declared_options(command, path)
        resolved = self._resolved(person, channel)
        filled = fill_options(declared, options or {}, resolved)
        data = self._command_data(command, resolved)
        if options := nested(command, path, filled):
            data["options"] = options
        return await self._send("command", person, channel, data)

    async def autocomplete(self, person, channel, name, option, typed="", options=None):
        """Type into an option, and give the suggestions as (name, value) once they are there."""
        command, path = find_command(self._offered(person, channel), name.strip("/").split())
        declared = declared_options(command, path)
        found = next((o for o in declared if o["name"] == option), None)
        if found is None or not found.get("autocomplete"):
            raise CannotDo(f"{option} suggests nothing")
        resolved = self._resolved(person, channel)
        given = (options or {}) | {option: typed}
        filled = fill_options(declared, given, resolved, focused=option)
        data = self._command_data(command, resolved)
        data["options"] = nested(command, path, filled)
        deed = await self._send("autocomplete", person, channel, data)
        await deed.acked()
        return [(choice["name"], choice["value"]) for choice in deed.choices]

    async def menu(self, person, target, name, *, channel=None):
        """Choose *name* in the Apps menu of a message, or of an account (then in *channel*)."""
        at_message = isinstance(target, Message)
        channel = target.channel if at_message else channel
        kind = 3 if at_message else 2
        offered = [c for c in self._offered(person, channel) if c["type"] == kind]
        command = next((c for c in offered if c["name"] == name), None)
        if command is None:
            raise CannotDo(f"the menu has no {name!r}; it has {[c['name'] for c in offered]}")
        resolved = self._resolved(person, channel)
        data = {"target_id": resolved.add(target)}
        data |= self._command_data(command, resolved)
        return await self._send("menu", person, channel, data)

    @staticmethod
    def _command_data(command, resolved):
        data = {"id": command["id"], "name": command["name"], "type": command["type"]}
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
        return data | ({"resolved": resolved.payload} if resolved.payload else {})

    def _offered(self, person, channel):
        """Give the commands that Discord's client offers a person there."""
        if channel.guild is None:
            return [c for c in self.commands if _fits(c, BOT_DM)]
        member = _present(channel, person)
        if channel.guild.bot is None or not may(member, "use_application_commands", channel):
            return []
        commands = [*channel.guild.commands, *(c for c in self.commands if _fits(c, GUILD))]
        return [c for c in commands if _allowed(c, permissions_of(member, channel))]

    async def press(self, person, message, wanted):
        """Press the button whose label or custom_id is *wanted*."""
        button = find(message.components, wanted, [BUTTON])
        if button.get("disabled"):
            raise CannotDo(f"the button {wanted!r} is greyed out")
        if button["style"] == LINK:
            raise CannotDo(f"the button {wanted!r} opens {button['url']}")
        data = {"component_type": BUTTON, "custom_id": button["custom_id"], "id": button["id"]}
        return await self._send("press", person, message.channel, data, message)

    async def choose(self, person, message, wanted, *values):
        """Choose *values* in the select whose custom_id or placeholder is *wanted*.

        Options by label or value; members, roles and channels as themselves.
        """
        select = find(message.components, wanted, SELECTS)
        if select.get("disabled"):
            raise CannotDo(f"the select {wanted!r} is greyed out")
        least, most = select.get("min_values", 1), select.get("max_values", 1)
        if not least <= len(values) <= most:
            raise CannotDo(f"{wanted!r} takes from {least} to {most}")
        resolved = self._resolved(person, message.channel)
        if select["type"] == STRING_SELECT:
            chosen = [option_of(select, value)["value"] for value in values]
        else:
            chosen = [resolved.add(value) for value in values]
        data = {
            "component_type": select["type"],
            "custom_id": select["custom_id"],
            "id": select["id"],
            "values": chosen,
        }
        if resolved.payload:
            data["resolved"] = resolved.payload
        return await self._send("choose", person, message.channel, data, message)

    async def submit(self, person, modal, values=None):
        """Fill a modal in, by label or custom_id, and submit it.

        Text as text, options by label or value, files as what ``fake.file`` gives (or a list).
        What the bot filled in before stays. Discord's own screen refuses what is missing or too
        long, with CannotDo.
        """
        if not modal.open or modal.deed.user.id != person.id:
            raise CannotDo(f"{modal.title!r} is not on {person.name}'s screen any more")
        resolved = self._resolved(person, modal.deed.channel)
        components = filled_in(modal, values or {}, resolved)
        modal.open = False
        data = {"custom_id": modal.custom_id, "components": components}
        if resolved.payload:
            data["resolved"] = resolved.payload
        at = modal.deed.at_message
        return await self._send("submit", person, modal.deed.channel, data, at)

    async def redeliver(self, deed):
        """Tell the bot of *deed* once more, as a resumed session can."""
        self.gateway_server.emit("INTERACTION_CREATE", deed.payload)
        return deed

    def _resolved(self, person, channel):
        """Give what keeps the things of an interaction; who pays for Nitro may send large files."""
        nitro = getattr(person, "user", person).nitro
        return Resolved(channel.guild, NITRO_FILE if nitro else self.file_limit(channel))

    @staticmethod
    def file_limit(channel):
        """Give how many bytes a file may have there."""
        guild = channel.guild if channel else None
        return guild.file_limit if guild else 10 * 1024 * 1024

    async def _send(self, kind, person, channel, data, message=None):
        user = getattr(person, "user", person)
        token = f"interaction-{secrets.token_urlsafe(24)}"
        number = self.ids()
        payload = {
            "id": str(number),
            "application_id": str(self.app_id),
            "type": TYPES[kind],
            "token": token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.id),
            "locale": user.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "attachment_size_limit": self.file_limit(channel),
        }
        member = self._place(payload, user, channel)
        if message is not None:
            if message not in channel.seen_by(user):
                raise CannotDo(f"{user.name} does not see this message")
            payload["message"] = payloads.as_message(message)
        deed = Deed(
            self, kind, number, token, user, channel, payload, self.clock.now(), self.app_id,
            member=member, at_message=message,
        )  # fmt: skip
        deed.edits_before = message.edits if message is not None else 0
        self.deeds[deed.id] = self.by_token[token] = deed
        self.gateway_server.emit("INTERACTION_CREATE", payload)
        return deed

    def _place(self, payload, user, channel):
        """Say in *payload* where it was done, and give who did it there as a member."""
        if channel.guild is None:
            payload |= {
                "context": BOT_DM,
                "user": payloads.user(user),
                "channel": payloads.channel(channel),
                "app_permissions": str(ALL),
                "authorizing_integration_owners": {"0": "0"},
            }
            return None
        guild, member = channel.guild, _present(channel, user)
        granted = permissions_of(guild.bot, channel) if guild.bot else 0
        payload |= {
            "context": GUILD,
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
            "guild_locale": guild.locale,
            "member": payloads.member(member, channel=channel),
            "channel": payloads.channel(channel, viewer=user.id)
            | {"permissions": str(permissions_of(member, channel))},
            "app_permissions": str(granted),
            "authorizing_integration_owners": {"0": str(guild.id)},
        }
        return member


def _present(channel, person):
    """Give somebody as a member of the server, who sees the channel."""
    member = channel.guild.members.get(person.id)
    if member is None or not sees(member, channel):
        raise CannotDo(f"{person.name} does not see {channel.name}")
    return member


def _fits(command, context):
    contexts = command.get("contexts")
    if contexts is not None:
        return context in contexts
    return context == GUILD or command.get("dm_permission", True)


def _allowed(command, permissions):
    wanted = command.get("default_member_permissions")
    if wanted is None:
        return True
    needed = int(wanted)
    return permissions == ALL or (needed != 0 and permissions & needed == needed)
