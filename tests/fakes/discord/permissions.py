"""Discord's permissions as bits, and who may do what in a channel."""

BITS = {
    "create_instant_invite": 0,
    "kick_members": 1,
    "administrator": 3,
    "manage_channels": 4,
    "manage_guild": 5,
    "add_reactions": 6,
    "view_channel": 10,
    "send_messages": 11,
    "manage_messages": 13,
    "embed_links": 14,
    "attach_files": 15,
    "read_message_history": 16,
    "mention_everyone": 17,
    "manage_roles": 28,
    "use_application_commands": 31,
    "manage_events": 33,
    "manage_threads": 34,
    "create_public_threads": 35,
    "create_private_threads": 36,
    "send_messages_in_threads": 38,
    "moderate_members": 40,
    "create_events": 44,
    "pin_messages": 51,
}
ALL = (1 << 53) - 1


def bits(*names):
    """Give the permissions of these names as one number."""
    return sum(1 << BITS[name] for name in names)


#: what a server gives everybody unless somebody changes it
OF_EVERYONE = bits(
    "create_instant_invite",
    "add_reactions",
    "view_channel",
    "send_messages",
    "embed_links",
    "attach_files",
    "read_message_history",
    "use_application_commands",
    "create_public_threads",
    "create_private_threads",
    "send_messages_in_threads",
)
#: what the link that invites the bot asks for, and Discord gives its own role
OF_THE_BOT = bits(
    "view_channel",
    "send_messages",
    "send_messages_in_threads",
    "embed_links",
    "attach_files",
    "read_message_history",
    "create_public_threads",
    "create_private_threads",
    "manage_threads",
    "create_events",
    "manage_events",
)
ADMINISTRATOR = bits("administrator")


def permissions_of(member, channel=None):
    """Give what *member* may do in the server, or in one channel of it, as one number.

    As Discord computes it: roles add up; in a channel the overwrites of everyone, of the roles
    together, and of the member come on top of each other in this order.
    """
    guild = member.guild
    if member is guild.owner:
        return ALL
    total = guild.everyone.permissions
    for role in member.roles:
        total |= role.permissions
    if total & ADMINISTRATOR:
        return ALL
    if channel is None:
        return total
    overwrites = (channel.parent if channel.is_thread else channel).overwrites
    ids = [role.id for role in member.roles]
    for layer in ([guild.everyone.id], ids, [member.id]):
        allow = deny = 0
        for target in layer:
            allowed, denied = overwrites.get(target, (0, 0))
            allow, deny = allow | allowed, deny | denied
        total = (total & ~deny) | allow
    return total


def may(member, name, channel=None):
    """Say whether *member* has the permission *name*."""
    return bool(permissions_of(member, channel) & bits(name))


def sees(member, channel):
    """Say whether *member* sees a channel; a private thread is seen by those who are in it."""
    if not may(member, "view_channel", channel):
        return False
    if channel.kind != "private_thread":
        return True
    return member.id in channel.thread_members or may(member, "manage_threads", channel)
