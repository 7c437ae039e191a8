"""users.* and usergroups.*: who is there."""

from .declared import SlackError, method


@method("users.info", "users:read", tier=4)
def info(call):
    return {"user": call.person(call.need("user")).as_user()}


@method("users.list", "users:read", tier=2)
def list_(call):
    page = call.page([p.as_user() for p in call.team.people], "members")
    return page | {"cache_ts": int(call.fake.clock.now())}


@method("users.lookupByEmail", "users:read.email", tier=3)
def by_email(call):
    for person in call.team.people:
        if not person.is_bot and person.as_user()["profile"]["email"] == call.need("email"):
            return {"user": person.as_user()}
    raise SlackError("users_not_found")


@method("users.profile.get", "users.profile:read", tier=4)
def profile(call):
    return {"profile": call.person(call.need("user")).as_user()["profile"]}


@method("usergroups.list", "usergroups:read", tier=2)
def groups(call):
    shown = [g for g in call.team.groups if not g.disabled or call.flag("include_disabled")]
    return {
        "usergroups": [
            {
                "id": g.id,
                "team_id": call.team.id,
                "is_usergroup": True,
                "name": g.handle.title(),
                "handle": g.handle,
                "date_delete": int(g.disabled),
                "user_count": len(g.members),
            }
            | ({"users": [p.id for p in g.members]} if call.flag("include_users") else {})
            for g in shown
        ]
    }


@method("usergroups.users.list", "usergroups:read", tier=2)
def group_members(call):
    wanted = call.need("usergroup")
    for group in call.team.groups:
        if group.id == wanted:
            return {"users": [p.id for p in group.members]}
    raise SlackError("no_such_subteam")
