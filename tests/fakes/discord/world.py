"""What there is in a Discord: accounts, servers, roles, channels, threads, messages, events."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from . import permissions
from .reading import buttons_of, text_of

KINDS = {
    "text": 0,
    "dm": 1,
    "voice": 2,
    "category": 4,
    "news": 5,
    "news_thread": 10,
    "thread": 11,
    "private_thread": 12,
    "stage": 13,
    "forum": 15,
}
NAMES = {number: name for name, number in KINDS.items()}
THREADS = ("news_thread", "thread", "private_thread")
EPOCH = 1_420_070_400_000
EPHEMERAL = 1 << 6
LOADING = 1 << 7
HAS_THREAD = 1 << 5
COMPONENTS_V2 = 1 << 15


def is_v2(flags):
    """Say whether a message is made of components alone."""
    return bool(flags & COMPONENTS_V2)


class Ids:
    """Snowflakes: the clock's milliseconds, and a counter so that none comes twice."""

    def __init__(self, clock):
        self._clock, self._last = clock, 0

    def __call__(self):
        fresh = (int(self._clock.now() * 1000) - EPOCH) << 22
        self._last = max(fresh, self._last + 1)
        return self._last


def stamp(seconds):
    """Give a time as Discord writes it, or None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


@dataclass(eq=False)
class User:
    """An account, in whichever servers."""

    id: int
    name: str
    bot: bool = False
    dms_closed: bool = False
    locale: str = "en-US"
    nitro: bool = False
    deleted: bool = False

    @property
    def mention(self):
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    """A role of a server; the one that everybody has is called @everyone and has the server's id."""

    id: int
    guild: "Guild"
    name: str
    permissions: int = 0
    managed: bool = False

    @property
    def mention(self):
        return f"<@&{self.id}>"


@dataclass(eq=False)
class Member:
    """An account in one server."""

    user: User
    guild: "Guild"
    nick: str | None = None
    roles: list = field(default_factory=list)
    joined_at: float = 0.0

    @property
    def id(self):
        return self.user.id

    @property
    def name(self):
        return self.nick or self.user.name

    @property
    def mention(self):
        return self.user.mention


@dataclass(eq=False)
class Channel:
    """A channel, a thread, or the direct messages of the bot with one account."""

    id: int
    kind: str
    guild: "Guild | None" = None
    name: str = ""
    with_user: User | None = None
    overwrites: dict = field(default_factory=dict)  # id of a role or member → (allow, deny)
    messages: list = field(default_factory=list)  # ephemeral and deleted ones, too
    parent: "Channel | None" = None
    owner_id: int | None = None
    thread_members: dict = field(default_factory=dict)  # account id → since when
    archived: bool = False
    locked: bool = False
    archive_after: int = 1440
    changed_at: float = 0.0
    topic: str | None = None
    deleted: bool = False

    @property
    def is_thread(self):
        return self.kind in THREADS

    @property
    def mention(self):
        return f"<#{self.id}>"

    @property
    def said(self):
        """The messages that everybody in the channel sees, oldest first."""
        return [m for m in self.messages if not m.ephemeral and not m.deleted]

    @property
    def last(self):
        return self.said[-1]

    def seen_by(self, person):
        """Give what *person* sees here: messages, and what is for their eyes only."""
        return [
            m
            for m in self.messages
            if not m.deleted and (m.only_for is None or m.only_for.id == person.id)
        ]

    def message(self, message_id):
        """Give the message of this id, or None."""
        return next((m for m in self.messages if m.id == int(message_id) and not m.deleted), None)


@dataclass(eq=False)
class Attachment:
    """A file at a message, or one that a person gave with an interaction."""

    id: int
    name: str
    content: bytes
    cdn: object
    mimetype: str = "application/octet-stream"
    description: str | None = None
    shown: bool = True

    @property
    def url(self):
        """Give a fresh link, as every answer of Discord does; it lives a day."""
        return self.cdn.sign(self)

    def is_at(self, url):
        return f"/attachments/{self.id}/" in url


@dataclass(eq=False)
class Message:
    """One message. An ephemeral one is seen by one person and is in no history."""

    id: int
    channel: Channel
    author: User
    at: float
    content: str = ""
    embeds: list = field(default_factory=list)
    components: list = field(default_factory=list)
    attachments: list = field(default_factory=list)
    flags: int = 0
    nonce: str | None = None
    reference: "Message | None" = None
    only_for: User | None = None
    edited_at: float | None = None
    edits: int = 0
    deleted: bool = False
    thread: Channel | None = None
    interaction: object = None  # the deed that it answers
    pings: set = field(default_factory=set)
    by_bot: bool = False

    @property
    def text(self):
        """All that is read: content, embeds, components, names of files, line by line."""
        return text_of(self)

    @property
    def buttons(self):
        """The labels of all buttons."""
        return buttons_of(self.components)

    @property
    def ephemeral(self):
        return self.only_for is not None

    @property
    def loading(self):
        return bool(self.flags & LOADING)

    @property
    def files(self):
        return {a.name: a.content for a in self.attachments}


@dataclass(eq=False)
class Event:
    """A scheduled event of a server; ``fields`` is what the bot said of it."""

    id: int
    guild: "Guild"
    fields: dict
    creator_id: int | None = None
    status: int = 1
    user_count: int = 0

    @property
    def name(self):
        return self.fields["name"]


@dataclass(eq=False)
class Guild:
    """A server."""

    id: int
    name: str
    owner: Member | None = None
    members: dict = field(default_factory=dict)
    roles: list = field(default_factory=list)
    channels: list = field(default_factory=list)  # threads, too
    events: list = field(default_factory=list)
    commands: list = field(default_factory=list)
    bot: Member | None = None  # None where the bot is not in it
    locale: str = "en-US"
    unavailable: bool = False
    tier: int = 0

    @property
    def everyone(self):
        return self.roles[0]

    @property
    def threads(self):
        return [c for c in self.channels if c.is_thread and not c.archived]

    @property
    def file_limit(self):
        """How many bytes a file may have here: by how many boosts the server has."""
        return {2: 50, 3: 100}.get(self.tier, 10) * 1024 * 1024

    def bot_may(self, name, channel=None):
        return self.bot is not None and permissions.may(self.bot, name, channel)
