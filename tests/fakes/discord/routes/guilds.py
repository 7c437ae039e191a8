"""Servers, their roles and their members."""

from tests.fakes.discord import limits, payloads
from tests.fakes.discord.crowd import room_for
from tests.fakes.discord.refusals import unknown

from .declared import Route


def get(call):
    guild = payloads.guild(call.guild)
    if call.query.get("with_counts") in ("true", "True", "1"):
        guild["approximate_member_count"] = len(call.guild.members)
    return guild


def leave(call):
    call.fake.remove_bot(call.guild)


def roles(call):
    return [payloads.role(r) for r in call.guild.roles]


def make_role(call):
    call.need_in(call.guild, "manage_roles")
    room_for(call.guild.roles, limits.ROLES_OF_A_GUILD, 30005, "guild roles")
    body = call.body or {}
    granted = int(body.get("permissions") or 0)
    return payloads.role(
        call.fake.role(call.guild, body.get("name") or "new role", permissions=granted)
    )


def _member(call):
    member = call.guild.members.get(call.part("user"))
    if member is None:
        raise unknown("Member", 10007)
    return member


def member(call):
    return payloads.member(_member(call))


def members(call):
    after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 1))
    found = sorted((m for m in call.guild.members.values() if m.id > after), key=lambda m: m.id)
    return [payloads.member(m) for m in found[:limit]]


def _role(call):
    role = next((r for r in call.guild.roles if r.id == call.part("role")), None)
    if role is None:
        raise unknown("Role", 10011)
    return role


def give_role(call):
    call.need_in(call.guild, "manage_roles")
    call.fake.give_role(_member(call), _role(call))


def take_role(call):
    call.need_in(call.guild, "manage_roles")
    call.fake.take_role(_member(call), _role(call))


def user(call):
    found = call.fake.find_user(call.part("user"))
    if found is None:
        raise unknown("User", 10013)
    return payloads.user(found)


_ROLE = "/guilds/{guild}/members/{user}/roles/{role}"
ROUTES = [
    Route("GET", "/users/{user}", user),
    Route("DELETE", "/users/@me/guilds/{guild}", leave),
    Route("GET", "/guilds/{guild}", get),
    Route("GET", "/guilds/{guild}/roles", roles),
    Route("POST", "/guilds/{guild}/roles", make_role),
    Route("GET", "/guilds/{guild}/members", members),
    Route("GET", "/guilds/{guild}/members/{user}", member),
    Route("PUT", _ROLE, give_role),
    Route("DELETE", _ROLE, take_role),
]
