"""What people do in Slack: commands, shortcuts, messages, and what else Slack tells the app of."""

from . import payloads
from .deeds import Deed


class Doings:
    """The verbs of people, but for those on buttons and modals. Each gives a Deed."""

    async def slash(self, person, channel, command, text=""):
        """Type a command. ``@ada``, ``#general``, links and ``<`` become what Slack makes of them."""
        said = payloads.typed(person.team, text)
        deed = self._deed(person, "slash_commands", channel=channel)
        deed.payload = payloads.command(person, channel, command, said)
        return await self._send(self._answerable(deed))

    async def shortcut(self, person, callback_id):
        """Use a global shortcut."""
        deed = self._deed(person, "interactive")
        deed.payload = payloads.who(person) | {
            "type": "shortcut",
            "callback_id": callback_id,
            "action_ts": self._stamp(),
        }
        return await self._send(self._answerable(deed, by_url=False))

    async def message_shortcut(self, person, message, callback_id):
        """Use a shortcut of a message's menu."""
        deed = self._deed(person, "interactive", channel=message.channel, message=message)
        place = payloads.place_of(message)
        deed.payload = payloads.who(person) | {
            "type": "message_action",
            "callback_id": callback_id,
            "action_ts": self._stamp(),
            "message_ts": message.ts,
            "channel": place["channel"],
            "message": message.as_message(),
        }
        return await self._send(self._answerable(deed))

    async def open_home(self, person, *, tab="home"):
        """Open the app's home, or its messages."""
        body = {
            "type": "app_home_opened",
            "user": person.id,
            "channel": self.direct(person).id,
            "tab": tab,
            "event_ts": self._stamp(),
        }
        home = self.screens.home(person)
        if home is not None and tab == "home":
            body["view"] = home.as_view()
        return await self.event(person.team, body, person=person)

    async def say(self, person, channel, text="", *, files=(), thread=None):
        """Say something in a channel, to the bot (``fake.direct(person)``) or in a thread.

        The app hears of it if the bot is in the channel: as ``message``, as ``app_mention`` if it
        is mentioned, as ``file_shared`` for every file. The Deed is the message's.
        """
        text = payloads.typed(person.team, text)
        root = getattr(thread, "ts", thread)
        message = self.post(channel, person, text, files=list(files), thread_ts=root)
        for file in message.files:
            file.user = person.id
        if person.team.bot not in channel.members:
            return self._deed(person, "events_api", channel=channel, message=message)
        body = message.as_message() | {
            "channel": channel.id,
            "channel_type": channel.kind,
            "event_ts": message.ts,
            "client_msg_id": self.ids("m"),
        }
        if message.files:
            body["subtype"] = "file_share"
        where = {"channel": channel, "message": message, "person": person}
        deed = await self.event(person.team, body, **where)
        if person.team.bot.mention in text and not channel.dm_with:
            mention = {**body, "type": "app_mention"}
            mention.pop("channel_type")
            await self.event(person.team, mention, **where)
        for file in message.files:
            shared = {
                "type": "file_shared",
                "file_id": file.id,
                "user_id": person.id,
                "file": {"id": file.id},
                "channel_id": channel.id,
                "event_ts": message.ts,
            }
            await self.event(person.team, shared, **where)
        return deed

    async def event(self, team, body, *, person=None, channel=None, message=None):
        """Tell the app of anything."""
        deed = self._deed(person, "events_api", channel=channel, message=message)
        body = {"event_ts": self._stamp(), **body}
        deed.payload = payloads.event(team, body, event_id=self.ids("Ev"), at=self.clock.now())
        kinds = {body["type"], f"{body['type']}.{body.get('channel_type')}"}
        if self.subscriptions is not None and not kinds & set(self.subscriptions):
            return deed
        return await self._send(deed)

    async def archive(self, channel, by):
        """Archive a channel."""
        channel.archived = True
        body = {"type": "channel_archive", "channel": channel.id, "user": by.id}
        return await self.event(channel.team, body, channel=channel, person=by)

    async def delete_channel(self, channel):
        """Delete a channel."""
        channel.deleted = True
        body = {"type": "channel_deleted", "channel": channel.id}
        return await self.event(channel.team, body, channel=channel)

    async def leave(self, person, channel):
        """Leave a channel; the bot is a person, too: ``fake.leave(fake.team.bot, channel)``."""
        channel.members.remove(person)
        if person is channel.team.bot:
            body = {"type": "channel_left", "channel": channel.id}
        else:
            body = {
                "type": "member_left_channel",
                "user": person.id,
                "channel": channel.id,
                "channel_type": "G" if channel.private else "C",
                "team": channel.team.id,
            }
        return await self.event(channel.team, body, channel=channel, person=person)

    async def enter(self, person, channel):
        """Come into a channel."""
        channel.members.append(person)
        body = {
            "type": "member_joined_channel",
            "user": person.id,
            "channel": channel.id,
            "channel_type": "G" if channel.private else "C",
            "team": channel.team.id,
        }
        return await self.event(channel.team, body, channel=channel, person=person)

    async def join_workspace(self, name, *, team=None, **more):
        """Join the workspace; gives the Deed, whose ``person`` is new."""
        person = self.person(name, team=team, **more)
        body = {"type": "team_join", "user": person.as_user()}
        return await self.event(person.team, body, person=person)

    async def change(self, person, **what):
        """Change what is known of somebody: name, display_name, tz, admin, deactivated …"""
        for name, value in what.items():
            assert hasattr(person, name), name
            setattr(person, name, value)
        body = {"type": "user_change", "user": person.as_user()}
        return await self.event(person.team, body, person=person)

    async def uninstall(self, team=None):
        """Take the app out of a workspace; tells it so, and its token is of no use any more."""
        team = team or self.team
        body = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [team.bot.id]}}
        await self.event(team, body)
        deed = await self.event(team, {"type": "app_uninstalled"})
        team.gone = True
        return deed

    def _stamp(self):
        return f"{self.clock.now():.6f}"

    def _deed(self, person, kind, **more):
        deed = Deed(self.bell, kind, {}, person, sent_at=self.clock.now(), **more)
        self.deeds.append(deed)
        return deed

    def _answerable(self, deed, *, by_url=True):
        """Let the app open a view after *deed*, and answer it by response_url."""
        deed.payload["trigger_id"] = self.triggers.give(deed)
        if by_url:
            deed.payload["response_url"] = self.hooks.give(deed)
        return deed
