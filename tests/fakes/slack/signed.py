"""What Slack sends by HTTP instead: the same payloads, signed, to one address."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp


@dataclass(frozen=True)
class Address:
    """Where the app listens, and how requests to it are signed."""

    url: str
    signing_secret: str
    forged: bool = False  # signed with another secret
    age: float = 0.0  # seconds since it was signed; Slack's own libraries refuse more than 300
    unsigned: bool = False


def body_of(deed):
    """Give the body of a request and its content type: events are JSON, the rest are forms."""
    if deed.kind == "events_api":
        return json.dumps(deed.payload), "application/json"
    form = deed.payload if deed.kind == "slash_commands" else {"payload": json.dumps(deed.payload)}
    return urlencode(form), "application/x-www-form-urlencoded"


def signature(secret, stamp, body):
    """Give Slack's v0 signature of a body."""
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


async def post(deed, to, *, reason="http_timeout"):
    """Send *deed* to the app, and give status, payload and headers of the answer."""
    body, content_type = body_of(deed)
    stamp = str(int(time.time() - to.age))
    headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0"}
    if not to.unsigned:
        secret = to.signing_secret[::-1] if to.forged else to.signing_secret
        headers |= {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(secret, stamp, body),
        }
    if deed.attempts:
        headers |= {"X-Slack-Retry-Num": str(deed.attempts), "X-Slack-Retry-Reason": reason}
    deed.attempts += 1
    async with (
        aiohttp.ClientSession() as session,
        session.post(to.url, data=body.encode(), headers=headers) as answer,
    ):
        text = await answer.text()
        is_json = answer.content_type == "application/json"
        payload = json.loads(text) if text and is_json else {"text": text} if text else {}
        return answer.status, payload
