"""Making the world: servers, people, roles, channels, and what is said in them."""

from . import payloads
from .gateway import DIRECT, EVENTS, GUILDS, MEMBERS, MESSAGES
from .permissions import ADMINISTRATOR, OF_EVERYONE, OF_THE_BOT, bits, sees
from .world import Channel, Guild, Member, Message, Role, User

_VIEW = bits("view_channel")


class Scenery:
    """The verbs that make and unmake things; each tells the bot of it at the gateway."""

    def user(self, name, **more):
        """Make an account that is in no server yet (bot, dms_closed, locale…)."""
        user = User(self.ids(), name, **more)
        self.users[user.id] = user
        return user

    def guild(self, name, *people, owner="Olga", bot=True, permissions=OF_THE_BOT):
        """Make a server of *owner* (a name, an account or a member elsewhere), with *people* in it.

        The bot is in it unless *bot* is False, with a role of its own that has *permissions*.
        """
        guild = Guild(self.ids(), name)
        guild.roles.append(Role(guild.id, guild, "@everyone", OF_EVERYONE))
        self.guilds.append(guild)
        guild.owner = self.join(guild, owner)
        for person in people:
            self.join(guild, person)
        if bot:
            self.add_bot(guild, permissions=permissions)
        return guild

    def add_bot(self, guild, *, permissions=OF_THE_BOT):
        """Bring the bot into a server."""
        role = Role(self.ids(), guild, self.bot_user.name, permissions, managed=True)
        guild.roles.append(role)
        guild.bot = Member(self.bot_user, guild, roles=[role], joined_at=self.clock.now())
        guild.members[self.bot_user.id] = guild.bot
        fresh = payloads.guild(guild, as_event=True)
        del fresh["unavailable"]  # which tells a new server from one that came back
        self.gateway_server.emit("GUILD_CREATE", fresh)
        return guild.bot

    def remove_bot(self, guild):
        """Take the bot out of a server."""
        guild.members.pop(self.bot_user.id, None)
        guild.bot, guild.commands = None, []
        self.gateway_server.emit("GUILD_DELETE", {"id": str(guild.id)}, intent=GUILDS)

    def outage(self, guild, *, over=False):
        """Make a server unavailable for a while, or available again."""
        guild.unavailable = not over
        if over:
            self.gateway_server.emit("GUILD_CREATE", payloads.guild(guild, as_event=True))
        else:
            gone = {"id": str(guild.id), "unavailable": True}
            self.gateway_server.emit("GUILD_DELETE", gone, intent=GUILDS)

    def member(self, guild, name, *, admin=False, roles=(), dms_closed=False, **more):
        """Make somebody who is in *guild*; *admin* gives them a role with Administrator."""
        roles = list(roles)
        if admin:
            found = [r for r in guild.roles if r.name == "Admins"]
            roles.append(found[0] if found else self.role(guild, "Admins", admin=True))
        return self.join(guild, self.user(name, dms_closed=dms_closed, **more), roles=roles)

    def join(self, guild, person, *, roles=()):
        """Let *person* (a name, an account, or a member elsewhere) come into *guild*."""
        if isinstance(person, str):
            person = self.user(person)
        user = getattr(person, "user", person)
        member = Member(user, guild, roles=list(roles), joined_at=self.clock.now())
        guild.members[user.id] = member
        self._tell_of_member("ADD", member)
        return member

    def remove(self, member):
        """Let a member leave their server, or be removed from it."""
        member.guild.members.pop(member.id, None)
        for thread in member.guild.threads:
            thread.thread_members.pop(member.id, None)
        gone = {"guild_id": str(member.guild.id), "user": payloads.user(member.user)}
        self._emit(member.guild, "GUILD_MEMBER_REMOVE", gone, intent=MEMBERS)

    def _tell_of_member(self, what, member):
        payload = payloads.member(member) | {"guild_id": str(member.guild.id)}
        self._emit(member.guild, f"GUILD_MEMBER_{what}", payload, intent=MEMBERS)

    def rename(self, member, nick):
        member.nick = nick
        self._tell_of_member("UPDATE", member)

    def role(self, guild, name, *, permissions=0, admin=False):
        """Make a role; *admin* gives it Administrator."""
        granted = permissions | (ADMINISTRATOR if admin else 0)
        role = Role(self.ids(), guild, name, granted)
        guild.roles.append(role)
        payload = {"guild_id": str(guild.id), "role": payloads.role(role)}
        self._emit(guild, "GUILD_ROLE_CREATE", payload, intent=GUILDS)
        return role

    def delete_role(self, role):
        guild = role.guild
        guild.roles.remove(role)
        for member in guild.members.values():
            if role in member.roles:
                member.roles.remove(role)
        payload = {"guild_id": str(guild.id), "role_id": str(role.id)}
        self._emit(guild, "GUILD_ROLE_DELETE", payload, intent=GUILDS)

    def give_role(self, member, role):
        if role not in member.roles:
            member.roles.append(role)
        self._tell_of_member("UPDATE", member)

    def take_role(self, member, role):
        if role in member.roles:
            member.roles.remove(role)
        self._tell_of_member("UPDATE", member)

    def channel(self, guild, name, *, kind="text", closed=False, visible=(), bot=True, topic=None):
        """Make a channel (text, voice, forum, news, stage, category).

        A *closed* one is seen by the members and roles in *visible*, admins, and, unless *bot* is
        False, the bot.
        """
        channel = Channel(self.ids(), kind, guild, name, topic=topic)
        if closed:
            self.close_to(channel, guild.everyone)
            for target in [*visible, *([guild.bot] if bot and guild.bot else [])]:
                channel.overwrites[target.id] = (_VIEW, 0)
        elif not bot:
            channel.overwrites[self.bot_user.id] = (0, _VIEW)
        guild.channels.append(channel)
        self.channels_by_id[channel.id] = channel
        self.tell_of_channel("CREATE", channel)
        return channel

    def close_to(self, channel, target, *names):
        """Deny a role or a member *names* in a channel: to see it, unless others are named."""
        allow, deny = channel.overwrites.get(target.id, (0, 0))
        denied = bits(*(names or ["view_channel"]))
        channel.overwrites[target.id] = (allow & ~denied, deny | denied)
        if channel in channel.guild.channels:
            self.tell_of_channel("UPDATE", channel)

    def delete_channel(self, channel):
        """Delete a channel with its threads, or a thread."""
        for thread in [c for c in channel.guild.channels if c.parent is channel]:
            self.delete_channel(thread)
        self.tell_of_channel("DELETE", channel)
        channel.deleted = True
        channel.guild.channels.remove(channel)

    def delete_account(self, user):
        """Delete an account: it leaves every server, and cannot be written to."""
        user.deleted = True
        for guild in self.guilds:
            if user.id in guild.members:
                self.remove(guild.members[user.id])

    def direct(self, person):
        """Give the direct messages of the bot with somebody."""
        user = getattr(person, "user", person)
        if user.id not in self.directs:
            channel = Channel(self.ids(), "dm", with_user=user)
            self.directs[user.id] = self.channels_by_id[channel.id] = channel
        return self.directs[user.id]

    def open_thread(self, channel, name, *, kind="thread", at=None, number=None, owner=None):
        """Open a thread in *channel*, at a message or alone; who opens it is in it."""
        owner_id = (owner or self.bot_user).id
        number = at.id if at else number or self.ids()
        thread = Channel(number, kind, channel.guild, name, parent=channel, owner_id=owner_id)
        thread.changed_at = self.clock.now()
        thread.thread_members[owner_id] = self.clock.now()
        channel.guild.channels.append(thread)
        self.channels_by_id[thread.id] = thread
        self.tell_of_channel("CREATE", thread, newly_created=True)
        if at is not None:
            at.thread = thread
            self.tell_of_message("MESSAGE_UPDATE", at)
        return thread

    def enter_thread(self, thread, who):
        thread.thread_members.setdefault(who, self.clock.now())
        self._tell_of_thread_members(thread, added=[payloads.thread_member(thread, who)])

    def leave_thread(self, thread, who):
        thread.thread_members.pop(who, None)
        self._tell_of_thread_members(thread, removed=[str(who)])

    def archive(self, thread, *, locked=False):
        thread.archived, thread.locked = True, locked
        thread.changed_at = self.clock.now()
        self.tell_of_channel("UPDATE", thread)

    def unarchive(self, thread):
        thread.archived = False
        self.tell_of_channel("UPDATE", thread)

    def _tell_of_thread_members(self, thread, added=(), removed=()):
        payload = {
            "id": str(thread.id),
            "guild_id": str(thread.guild.id),
            "member_count": len(thread.thread_members),
            "added_members": list(added),
            "removed_member_ids": list(removed),
        }
        self._emit(thread.guild, "THREAD_MEMBERS_UPDATE", payload, intent=GUILDS)

    def put(self, message):
        """Put a message into its channel, and tell of it."""
        message.channel.messages.append(message)
        if not message.ephemeral:
            self.tell_of_message("MESSAGE_CREATE", message)
        return message

    def say(self, person, channel, text, *, files=(), reference=None):
        """Let a person write a message."""
        user = getattr(person, "user", person)
        message = Message(self.ids(), channel, user, self.clock.now(), text, reference=reference)
        message.attachments = list(files)
        return self.put(message)

    def rewrite(self, message, text):
        """Let whoever wrote a message change it."""
        message.content, message.edited_at = text, self.clock.now()
        message.edits += 1
        self.tell_of_message("MESSAGE_UPDATE", message)

    def take_back(self, message):
        """Delete a message."""
        message.deleted = True
        channel = message.channel
        gone = {"id": str(message.id), "channel_id": str(channel.id)}
        if channel.guild is not None:
            gone["guild_id"] = str(channel.guild.id)
        if not message.ephemeral:
            self._emit_in(channel, "MESSAGE_DELETE", gone)

    def tell_of_message(self, name, message):
        if not message.ephemeral:
            payload = payloads.event_message(message)
            told = message.channel.kind != "dm" and not message.by_bot
            self._emit_in(message.channel, name, payload, content=told)

    def tell_of_channel(self, what, channel, **more):
        kind = "THREAD" if channel.is_thread else "CHANNEL"
        payload = payloads.channel(channel, viewer=self.bot_user.id) | more
        if channel.guild.bot is not None and sees(channel.guild.bot, channel):
            self._emit(channel.guild, f"{kind}_{what}", payload, intent=GUILDS)

    def tell_of_event(self, what, event):
        name = f"GUILD_SCHEDULED_EVENT_{what}"
        self._emit(event.guild, name, payloads.scheduled(event), intent=EVENTS)

    def _emit_in(self, channel, name, payload, *, content=False):
        if channel.guild is None:
            self.gateway_server.emit(name, payload, intent=DIRECT)
        elif self.bot_sees(channel):
            self._emit(channel.guild, name, payload, intent=MESSAGES, content=content)

    def _emit(self, guild, name, payload, *, intent, content=False):
        if guild.bot is not None:
            self.gateway_server.emit(name, payload, intent=intent, content=content)
