"""From what somebody typed at Slack to a line that the core reads."""

import html
import re

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([A-Z0-9]+)(?:\|([^>]*))?>")
_KEPT = re.compile("\x01(\\d+)\x02")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})


def line_of(text: str) -> str:
    """What *text* means: names by their ids, links without their brackets, characters as typed.

    Slack escapes ``& < >`` and writes people, channels and links in angle brackets; phones make
    curly quotes. A channel stays as Slack writes it, which the core understands.
    """
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\x01{len(kept) - 1}\x02"

    text = _CHANNEL.sub(keep, text.replace("\x01", "").replace("\x02", ""))
    text = _LINK.sub(lambda m: m[1], _MENTION.sub(lambda m: f"@{m[1]}", text))
    text = html.unescape(text).translate(_QUOTES)
    return _KEPT.sub(lambda m: kept[int(m[1])], text).strip()


def without_mention(text: str, bot: str) -> str:
    """*text* without the words that call the bot."""
    return re.sub(rf"<@{re.escape(bot)}(?:\|[^>]*)?>", " ", text).strip()
