"""Whom a message would notify: what an adapter that turns pings off has to keep out."""

import re

TOKEN = re.compile(
    r"<(?:!(?P<broadcast>channel|here|everyone)|@(?P<user>[UW][A-Z0-9]+)"
    r"|!subteam\^(?P<group>S[A-Z0-9]+))(?:\|[^>]*)?>"
)
BARE = re.compile(r"(?<![\w`@])@(channel|here|everyone)\b")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def pings_of(text, blocks, *, bare=False):
    """Give what is pinged: channel, here, everyone, or the id of a person or a user group.

    *bare* (link_names or parse=full) makes Slack read plain ``@channel``, too, but not in code.
    Written as ``<!channel>`` it counts in code as well: nobody should rely on that it does not.
    """
    found = set()
    for words in (text or "", *_texts(blocks)):
        found |= {m[1] or m[2] or m[3] for m in TOKEN.finditer(words)}
        if bare:
            found |= set(BARE.findall(CODE.sub(" ", words)))
    return found | set(_rich(blocks))


def _texts(node):
    """Give every text of blocks in which Slack looks for mentions."""
    if isinstance(node, list):
        for part in node:
            yield from _texts(part)
    elif isinstance(node, dict):
        if node.get("type") in {"mrkdwn", "markdown"}:
            yield node.get("text", "")
        for part in node.values():
            yield from _texts(part)


def _rich(node):
    """Give the mentions of rich text, which are elements of their own."""
    if isinstance(node, list):
        for part in node:
            yield from _rich(part)
    elif isinstance(node, dict):
        if node.get("type") == "broadcast":
            yield node["range"]
        elif node.get("type") == "user" and "user_id" in node:
            yield node["user_id"]
        elif node.get("type") == "usergroup":
            yield node["usergroup_id"]
        for part in node.values():
            yield from _rich(part)
