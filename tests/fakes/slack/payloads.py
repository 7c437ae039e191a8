"""What Slack says about who did what: the bodies of commands, clicks and events."""

import re


def who(person):
    """Give the parts that every interaction has."""
    team = person.team
    return {
        "token": "verification-token",
        "api_app_id": team.app_id,
        "team": {"id": team.id, "domain": team.domain},
        "user": {
            "id": person.id,
            "username": person.handle,
            "name": person.handle,
            "team_id": team.id,
        },
        "enterprise": None,
        "is_enterprise_install": False,
    }


def command(person, channel, name, text):
    """Give a slash command; all of it are strings, since Slack sends it as a form."""
    names = {"im": "directmessage", "group": "privategroup"}
    return {
        "token": "verification-token",
        "team_id": person.team.id,
        "team_domain": person.team.domain,
        "channel_id": channel.id,
        "channel_name": names.get(channel.kind, channel.name),
        "user_id": person.id,
        "user_name": person.handle,
        "command": name,
        "text": text,
        "api_app_id": person.team.app_id,
        "is_enterprise_install": "false",
    }


def place_of(message):
    """Give where a message that was clicked on stands."""
    channel = message.channel
    names = {"im": "directmessage", "group": "privategroup"}
    return {
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.ephemeral,
        }
        | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        "channel": {"id": channel.id, "name": names.get(channel.kind, channel.name)},
    } | ({} if message.ephemeral else {"message": message.as_message()})


def event(team, body, *, event_id, at):
    """Give the callback around an event."""
    return {
        "token": "verification-token",
        "team_id": team.id,
        "api_app_id": team.app_id,
        "event": body,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(at),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team.id,
                "user_id": team.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def typed(team, text):
    """Give what becomes of what a person types: escaped, and with people and channels linked.

    ``@ada`` and ``#general`` become links where somebody or something has that name; so do web
    addresses. What is written as a link already (``<@U…>``, ``<#C…>``, ``<!…>``, ``<http…>``) stays.
    """
    parts = re.split(r"(<(?:@[UW][A-Z0-9]+|#[CG][A-Z0-9]+|!|https?:)[^<>]*>)", text)
    return "".join(p if i % 2 else _linked(team, p) for i, p in enumerate(parts))


def _linked(team, text):
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"https?://[^\s&]+(?:&amp;[^\s&]+)*", lambda m: f"<{m[0]}>", text)
    links = {f"@{p.handle}": f"<@{p.id}>" for p in team.people}
    links |= {f"#{c.name}": f"<#{c.id}|{c.name}>" for c in team.channels if c.name}
    links |= {f"@{g.handle}": f"<!subteam^{g.id}>" for g in team.groups}
    links |= {f"@{all_}": f"<!{all_}>" for all_ in ("channel", "here", "everyone")}
    return re.sub(r"(?<![\w.])[@#][\w.-]*\w", lambda m: links.get(m[0].lower(), m[0]), text)


def action(block, element, value, at):
    """Give one action of a block_actions payload."""
    done = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": f"{at:.6f}",
    }
    if element["type"] == "button":
        done["text"] = element["text"]
        if "value" in element:
            done["value"] = element["value"]
    return done | value
