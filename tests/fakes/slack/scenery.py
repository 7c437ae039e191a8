"""Making the world: workspaces, people, channels, and what is said in them."""

from copy import deepcopy

from .pings import pings_of
from .reading import elements_of
from .world import Channel, Group, Message, Person, Team, Token


class Scenery:
    """The verbs that make things, and those that the Web API and people share."""

    def workspace(self, name, *, installed=False):
        """Make another workspace; the app gets there by OAuth, or at once if *installed*."""
        team = Team(self.ids("T"), name, self.app_id, domain=name.lower().replace(" ", "-"))
        team.bot = Person(self.ids("U"), team, self.bot_name, is_bot=True, bot_id=self.ids("B"))
        team.people.append(team.bot)
        self.teams.append(team)
        if installed:
            self.issue(team)
        return team

    def issue(self, team, scopes=None):
        """Give the app a fresh bot token for *team*."""
        token = Token(f"xoxb-{self.ids('')}-{team.id}", "bot", team)
        if scopes is not None:
            token.scopes = set(scopes)
        team.token = self.tokens[token.value] = token
        return token

    def person(self, name, *, team=None, joins=("general",), **more):
        """Make somebody (admin, owner, guest, tz, display_name, deactivated, is_bot…)."""
        team = team or self.team
        person = Person(self.ids("U"), team, name, **more)
        if person.is_bot and not person.bot_id:
            person.bot_id = self.ids("B")
        team.people.append(person)
        for channel in team.channels:
            if channel.name in joins:
                channel.members.append(person)
        return person

    def channel(self, name, *, members=None, bot=True, private=False, team=None, **more):
        """Make a channel; by default all people of the workspace and the bot are in it."""
        team = team or self.team
        people = [p for p in team.people if not p.is_bot] if members is None else list(members)
        inside = [*people, team.bot] if bot else people
        letter = "G" if private else "C"
        channel = Channel(self.ids(letter), team, name, private, inside, **more)
        team.channels.append(channel)
        return channel

    def group(self, handle, members, *, team=None):
        """Make a user group."""
        team = team or self.team
        group = Group(self.ids("S"), team, handle, list(members))
        team.groups.append(group)
        return group

    def direct(self, *people, refuse=AssertionError):
        """Give the direct messages of the bot with *people*; Slack's word if there are none."""
        for person in people:
            if person.is_bot:
                raise refuse("cannot_dm_bot")
            if person.deactivated:
                raise refuse("user_disabled")
            if person in self.closed_to_bots:
                raise refuse("messages_tab_disabled")
        team = people[0].team
        for channel in team.channels:
            if channel.dm_with == list(people):
                return channel
        letter = "D" if len(people) == 1 else "G"
        channel = Channel(self.ids(letter), team, dm_with=list(people), members=[*people, team.bot])
        team.channels.append(channel)
        return channel

    def post(self, channel, user, text, *, blocks=(), only_for=None, bare_pings=False, **more):
        """Put a message into a channel, whoever says it."""
        # Each message of a channel has a ts of its own: apps use it as the message's name.
        channel.last_ts = max(self.clock.now(), channel.last_ts + 0.000001)
        message = Message(channel, f"{channel.last_ts:.6f}", user, text, **more)
        message.blocks, message.only_for = deepcopy(list(blocks)), only_for
        self.name_parts(message.blocks)
        message.pings = pings_of(text, message.blocks, bare=bare_pings)
        channel.messages.append(message)
        self.bell.ring()
        return message

    def edit(self, message, text, blocks, *, metadata=None, bare_pings=False):
        """Put other content into a message; what it pings now counts, too."""
        message.text, message.blocks = text, deepcopy(list(blocks))
        self.name_parts(message.blocks)
        message.pings = message.pings | pings_of(text, message.blocks, bare=bare_pings)
        message.edited = True
        message.edits += 1
        if metadata is not None:
            message.metadata = metadata
        self.bell.ring()

    def take_back(self, message):
        """Delete a message."""
        message.deleted = True
        self.bell.ring()

    def name_parts(self, blocks):
        """Give every block and element the id that the app left out, as Slack does."""
        for block in blocks:
            if not block.get("block_id"):
                block["block_id"] = self.ids("b")
        for _, element in elements_of(blocks):
            if not element.get("action_id"):
                element["action_id"] = self.ids("a")

    @property
    def messages(self):
        """Every message there is and was, of all channels, ephemeral and deleted ones, too."""
        found = [m for team in self.teams for c in team.channels for m in c.messages]
        return sorted(found, key=lambda m: float(m.ts))

    @property
    def pinged(self):
        """Every message of the app that notifies somebody in particular or a whole channel."""
        return [m for m in self.messages if m.by_app and m.pings]

    def notified_by(self, message):
        """Give the people whom *message* pings, since they see it."""
        channel, found = message.channel, []
        for person in channel.members:
            groups = {g.id for g in channel.team.groups if person in g.members}
            if message.pings & {"channel", "here", "everyone", person.id, *groups}:
                found.append(person)
        return [p for p in found if p is not message.user and not p.is_bot]
