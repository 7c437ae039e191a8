"""What a person did, and what they saw come of it."""

from dataclasses import dataclass, field

from .reading import words
from .world import Channel, Member, Message, User

#: how long Discord waits for the first answer, and how long it takes more by the token
SECONDS_TO_ANSWER = 3.0
SECONDS_TO_FOLLOW_UP = 15 * 60
PONG, MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9
TYPES = {"command": 2, "menu": 2, "press": 3, "choose": 3, "autocomplete": 4, "submit": 5}


@dataclass(eq=False)
class Modal:
    """A form on one person's screen."""

    deed: "Deed"
    title: str
    custom_id: str
    components: list
    open: bool = True

    @property
    def text(self):
        """All that is read on it."""
        return "\n".join([self.title, words(self.components)])


@dataclass(eq=False)
class Deed:
    """One thing somebody did, which Discord told the bot of as an interaction.

    ``message`` is the bot's first answer, or the message at which a button was pressed once that
    was changed; ``followups`` came later by the token. ``choices`` are of an autocomplete.
    """

    fake: object
    kind: str  # command, menu, press, choose, autocomplete or submit
    id: int
    token: str
    user: User
    channel: Channel
    payload: dict
    sent_at: float
    app_id: int
    member: Member | None = None
    at_message: Message | None = None
    answer: dict | None = None
    acked_after: float | None = None
    deferred: bool = False
    ephemeral: bool | None = None
    message: Message | None = None
    modal: Modal | None = None
    choices: list | None = None
    followups: list = field(default_factory=list)
    edits_before: int = 0  # of the message at which it was done

    @property
    def type(self):
        return TYPES[self.kind]

    @property
    def name(self):
        data = self.payload["data"]
        return f"{self.kind} {data.get('name') or data.get('custom_id')}"

    @property
    def failed(self):
        """Whether the person reads “The application did not respond”."""
        late = self.fake.clock.now() - self.sent_at > SECONDS_TO_ANSWER
        return self.answer is None and late

    @property
    def expired(self):
        """Whether the token is of no use any more."""
        age = self.fake.clock.now() - self.sent_at
        return age > (SECONDS_TO_ANSWER if self.answer is None else SECONDS_TO_FOLLOW_UP)

    @property
    def seen(self):
        """Every message that came of it, oldest first, without “is thinking…”."""
        first = [self.message] if self.message is not None and not self.message.loading else []
        return [m for m in [*first, *self.followups] if not m.deleted]

    @property
    def text(self):
        """All that is read in the messages that came of it."""
        return "\n".join(m.text for m in self.seen)

    async def acked(self, *, within=SECONDS_TO_ANSWER):
        """Wait for the first answer of whichever kind, for as long as Discord does."""
        await self._until(lambda: self.answer, within, "an answer to")
        return self

    async def replied(self, number=1, *, within=5.0):
        """Wait for the *number*-th message that comes of it, and give it."""
        await self._until(lambda: len(self.seen) >= number, within, f"message {number} after")
        return self.seen[number - 1]

    async def opened(self, *, within=SECONDS_TO_ANSWER):
        """Wait for the modal that the bot opens, and give it."""
        return await self._until(lambda: self.modal, within, "a modal after")

    async def updated(self, *, within=5.0):
        """Wait until the message at which this was done is changed, and give it."""
        before = self.edits_before
        await self._until(lambda: self.at_message.edits > before, within, "a change after")
        return self.at_message

    async def _until(self, true, within, what):
        return await self.fake.until(true, within=within, what=f"{what} {self.name}")
