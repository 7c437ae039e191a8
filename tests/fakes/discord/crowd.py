"""What Discord does when many people are involved: quarantine, bans, full servers."""

from collections import deque
from dataclasses import dataclass, field

from . import limits
from .refusals import Refused

_FLAGGED = (
    "Your bot has been flagged by our anti-spam system for abusive behavior. While your bot is"
    " quarantined, it is unable to send any direct messages to users it has not messaged before."
)


@dataclass
class Crowd:
    """Counts what makes Discord stop a bot."""

    fake: object
    most_direct: int = limits.NEW_DIRECT_MESSAGES
    most_invalid: int = limits.INVALID_REQUESTS
    quarantined: bool = False
    written_to: deque = field(default_factory=deque)  # when each first message to somebody came
    refusals: int = 0
    invalid: deque = field(default_factory=deque)  # when each came

    def check_direct(self, channel):
        """Refuse a direct message that is the bot's first to somebody, where there were many.

        Who wrote to the bot, or was written to before, can be written to.
        """
        if channel.said:
            return
        if self.quarantined:
            raise Refused(403, 20026, _FLAGGED)
        now = self.fake.clock.now()
        while self.written_to and now - self.written_to[0] > limits.NEW_DIRECT_SECONDS:
            self.written_to.popleft()
        if len(self.written_to) >= self.most_direct:
            self.refusals += 1
            self.quarantined = self.refusals >= limits.REFUSALS_BEFORE_QUARANTINE
            raise Refused(403, 40003, "You are opening direct messages too fast.")
        self.written_to.append(now)

    def count_invalid(self, status):
        """Count an answer that Discord counts against a bot: 401, 403 or 429."""
        if status in (401, 403, 429):
            self.invalid.append(self.fake.clock.now())

    @property
    def banned(self):
        """Whether Cloudflare lets nothing of this address through any more."""
        now = self.fake.clock.now()
        while self.invalid and now - self.invalid[0] > limits.INVALID_SECONDS:
            self.invalid.popleft()
        return len(self.invalid) >= self.most_invalid


def room_for(things, most, code, what):
    """Refuse where a server is full."""
    if len(things) >= most:
        raise Refused(400, code, f"Maximum number of {what} reached ({most})")
