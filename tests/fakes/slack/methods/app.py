"""auth.*, team.*, bots.*, apps.* and oauth.*: the app itself, and where it is installed."""

from base64 import b64decode

from .declared import SlackError, method


@method("auth.test", tier="special")
def test(call):
    return {
        "url": f"https://{call.team.domain}.slack.com/",
        "team": call.team.name,
        "user": call.team.bot.handle,
        "team_id": call.team.id,
        "user_id": call.team.bot.id,
        "bot_id": call.team.bot.bot_id,
        "is_enterprise_install": False,
    }


@method("auth.revoke", tier=3)
def revoke(call):
    if call.flag("test"):
        return {"revoked": False}
    call.token.revoked = True
    return {"revoked": True}


@method("apps.uninstall", tier=1)
def uninstall(call):
    if (call.args.get("client_id"), call.args.get("client_secret")) != call.fake.client:
        raise SlackError("bad_client_secret")
    call.token.revoked = True
    return {}


@method("team.info", "team:read", tier=3)
def team(call):
    return {
        "team": {
            "id": call.team.id,
            "name": call.team.name,
            "domain": call.team.domain,
            "email_domain": "",
            "icon": {"image_default": True},
        }
    }


@method("bots.info", "users:read", tier=3)
def bot(call):
    wanted = call.args.get("bot") or call.team.bot.bot_id
    if wanted != call.team.bot.bot_id:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": wanted,
            "deleted": False,
            "name": call.team.bot.name,
            "app_id": call.team.app_id,
            "user_id": call.team.bot.id,
            "icons": {},
        }
    }


@method("apps.connections.open", "connections:write", tier=1, token="app")
def connect(call):
    if not call.fake.sockets.enabled:
        raise SlackError("not_allowed_token_type")
    return {"url": call.fake.sockets.ticket()}


@method("oauth.v2.access", tier=4, token=None)
def access(call):
    given = call.args.get("client_id"), call.args.get("client_secret")
    basic = call.headers.get("Authorization", "")
    if basic.startswith("Basic "):
        given = tuple(b64decode(basic.removeprefix("Basic ")).decode().split(":", 1))
    if given != call.fake.client:
        raise SlackError(
            "invalid_client_id" if given[0] != call.fake.client[0] else "bad_client_secret"
        )
    person, scopes, token = call.fake.installs.redeem(
        call.args.get("code"), call.args.get("redirect_uri"), refuse=SlackError
    )
    return {
        "access_token": token.value,
        "token_type": "bot",
        "scope": ",".join(scopes),
        "bot_user_id": person.team.bot.id,
        "app_id": call.fake.app_id,
        "team": {"name": person.team.name, "id": person.team.id},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": person.id},
    }
