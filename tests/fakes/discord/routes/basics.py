"""Who the bot is, and where the gateway is."""

from tests.fakes.discord import payloads

from .declared import Route


def me(call):
    return payloads.user(call.fake.bot_user) | {"verified": True, "mfa_enabled": True, "flags": 0}


def application(call):
    fake = call.fake
    return {
        "id": str(fake.app_id),
        "name": fake.bot_user.name,
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": payloads.user(fake.developer),
        "team": None,
        "verify_key": "00" * 32,
        "flags": 0,
        "hook": True,
        "summary": "",
        "bot": payloads.user(fake.bot_user),
        "approximate_guild_count": len([g for g in fake.guilds if g.bot]),
        "integration_types_config": {"0": {}},
    }


def gateway(call):
    return {"url": call.fake.gateway}


def gateway_of_a_bot(call):
    limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
    return {"url": call.fake.gateway, "shards": 1, "session_start_limit": limit}


def guilds(call):
    return [
        {"id": str(g.id), "name": g.name, "icon": None, "owner": False, "permissions": "0"}
        for g in call.fake.guilds
        if g.bot is not None
    ]


ROUTES = [
    Route("GET", "/users/@me", me),
    Route("GET", "/users/@me/guilds", guilds),
    Route("GET", "/applications/@me", application),
    Route("GET", "/oauth2/applications/@me", application),
    Route("GET", "/gateway", gateway, authorized=False),
    Route("GET", "/gateway/bot", gateway_of_a_bot),
]
