"""Rate limits in buckets, as Discord's headers tell of them."""

from dataclasses import dataclass, field

from . import limits


@dataclass
class Bucket:
    """So many requests, until the window ends."""

    name: str
    most: int
    span: float
    used: int = 0
    ends: float = 0.0

    def take(self, now):
        """Count a request; give after how many seconds it may come again, or None."""
        if now >= self.ends:
            self.used, self.ends = 0, now + self.span
        if self.used >= self.most:
            return self.ends - now
        self.used += 1
        return None

    def headers(self, now):
        return {
            "X-RateLimit-Limit": str(self.most),
            "X-RateLimit-Remaining": str(self.most - self.used),
            "X-RateLimit-Reset": f"{self.ends:.3f}",
            "X-RateLimit-Reset-After": f"{max(0.0, self.ends - now):.3f}",
            "X-RateLimit-Bucket": self.name,
        }


@dataclass
class Rates:
    """All buckets; off until a test says ``fake.rates.on = True``. They go by the fake's clock."""

    clock: object
    on: bool = False
    buckets: dict = field(default_factory=dict)
    all_of_the_bot: Bucket = field(
        default_factory=lambda: Bucket("global", limits.REQUESTS_A_SECOND, 1.0)
    )
    refused: int = 0

    def bucket_of(self, record, parts):
        """Give the bucket of a request: one for each route and channel, server or webhook."""
        major = parts.get("channel") or parts.get("guild") or parts.get("token") or ""
        most, span = limits.OTHERS_AT_ONCE
        if record.name == "POST /channels/{channel}/messages":
            most, span = limits.MESSAGES_AT_ONCE
        elif record.route.startswith("/webhooks"):
            most, span = limits.FOLLOW_UPS_AT_ONCE
        key = record.name, major
        if key not in self.buckets:
            # As Discord's: a hash that routes of different channels share.
            name = f"{abs(hash(record.name)):016x}"
            self.buckets[key] = Bucket(name, most, span)
        return self.buckets[key]

    def take(self, record, parts, *, authorized):
        """Count a request; give (seconds to wait or None, of the whole bot, headers).

        Answers to interactions do not count for the limit of the whole bot.
        """
        if not self.on or record.route.startswith("/interactions"):
            return None, False, {}
        now = self.clock.now()
        if authorized and (wait := self.all_of_the_bot.take(now)):
            self.refused += 1
            return wait, True, {}
        bucket = self.bucket_of(record, parts)
        wait = bucket.take(now)
        self.refused += wait is not None
        return wait, False, bucket.headers(now)
