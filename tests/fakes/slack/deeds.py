"""What a person did, and all that the app made of it."""

from dataclasses import dataclass, field

from .world import Channel, Message, Person, View


@dataclass
class Ack:
    """The app's first answer: its payload, after how many seconds, and how often it was retried."""

    payload: dict
    after: float
    status: int = 200


@dataclass(eq=False)
class Deed:
    """One thing that was sent to the app: a command, a click, a submitted modal, an event.

    ``acks`` holds every acknowledgement, since a repeated one has several. ``replies`` are the
    messages that came by acknowledgement or response_url, ``views`` what was opened by trigger_id.
    """

    bell: object
    kind: str  # slash_commands, interactive or events_api
    payload: dict
    person: Person | None = None
    channel: Channel | None = None
    message: Message | None = None
    view: View | None = None
    sent_at: float = 0.0
    attempts: int = 0
    acks: list[Ack] = field(default_factory=list)
    replies: list[Message] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    options: list | None = None
    trouble: list[str] = field(default_factory=list)
    refusals: list[Ack] = field(default_factory=list)

    @property
    def name(self):
        """What it is, in a word or two: for messages of failed waits."""
        of = self.payload.get("event", self.payload)
        return str(of.get("command") or of.get("type") or self.kind)

    @property
    def event_id(self):
        return self.payload.get("event_id")

    @property
    def ack(self):
        return self.acks[0] if self.acks else None

    @property
    def reply(self):
        """The first message that came back by acknowledgement or response_url."""
        return self.replies[0]

    @property
    def errors(self):
        """The words at the fields of the modal that was sent back, by block_id."""
        return (self.ack.payload.get("errors") or {}) if self.ack else {}

    async def acked(self, *, within=3.0):
        """Wait for the acknowledgement, for as long as Slack does; one Slack cannot use fails."""
        await self.bell.until(
            lambda: self.acks or self.refusals, within=within, what=f"the ack of {self.name}"
        )
        assert self.acks, f"{self.name} was refused: {self.refusals[0]}"
        assert not self.trouble, f"Slack cannot use the ack of {self.name}: {self.trouble}"
        return self.ack

    async def refused(self, *, within=3.0):
        """Wait until the app answers that it does not take this (HTTP 4xx or 5xx)."""
        await self.bell.until(
            lambda: self.refusals, within=within, what=f"a refusal of {self.name}"
        )
        return self.refusals[0]

    async def replied(self, number=1, *, within=3.0):
        """Wait for the *number*-th message that comes back, and give it."""
        await self.bell.until(
            lambda: len(self.replies) >= number,
            within=within,
            what=f"reply {number} to {self.name}",
        )
        return self.replies[number - 1]

    async def opened(self, *, within=3.0):
        """Wait for the view that the app opens with this deed's trigger_id."""
        await self.bell.until(
            lambda: self.views, within=within, what=f"a view opened after {self.name}"
        )
        return self.views[-1]
