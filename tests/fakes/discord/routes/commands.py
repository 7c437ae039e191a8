"""Application commands: registering all of them at once, and reading what is registered."""

from tests.fakes.discord.refusals import Refused, unknown

from .declared import Route

DEFAULTS = {
    "type": 1,
    "description": "",
    "options": [],
    "default_member_permissions": None,
    "dm_permission": True,
    "contexts": None,
    "integration_types": [0],
    "nsfw": False,
    "name_localizations": None,
    "description_localizations": None,
}


def replace_global(call):
    _own(call)
    call.fake.commands = _replaced(call, call.fake.commands, None)
    return call.fake.commands


def list_global(call):
    _own(call)
    return call.fake.commands


def replace_of_guild(call):
    _own(call)
    guild = call.guild
    guild.commands = _replaced(call, guild.commands, guild)
    return guild.commands


def list_of_guild(call):
    _own(call)
    return call.guild.commands


def _own(call):
    if call.part("app") != call.fake.app_id:
        raise unknown("Application", 10002)


def _replaced(call, before, guild):
    """Give the new commands; one that was there keeps its id, as Discord does it."""
    ids = {(c["name"], c["type"]): c["id"] for c in before}
    found, seen = [], set()
    for given in call.body:
        key = given["name"], given.get("type", 1)
        if key in seen:
            raise Refused(400, 50035, "Invalid Form Body")
        seen.add(key)
        command = DEFAULTS | given
        command |= {
            "id": ids.get(key) or str(call.fake.ids()),
            "application_id": str(call.fake.app_id),
            "version": str(call.fake.ids()),
        }
        if guild is not None:
            command["guild_id"] = str(guild.id)
        found.append(command)
    return found


ROUTES = [
    Route("PUT", "/applications/{app}/commands", replace_global),
    Route("GET", "/applications/{app}/commands", list_global),
    Route("PUT", "/applications/{app}/guilds/{guild}/commands", replace_of_guild),
    Route("GET", "/applications/{app}/guilds/{guild}/commands", list_of_guild),
]
