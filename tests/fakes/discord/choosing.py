"""Filling in the options of a command as Discord's own client does, with what it refuses."""

from . import payloads
from .permissions import permissions_of
from .world import KINDS, Attachment, Channel, Member, Role, User

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 6, 7, 8, 9, 10, 11
PLAIN = {STRING: str, INTEGER: int, BOOLEAN: bool, NUMBER: (int, float)}
THINGS = {
    USER: (User, Member),
    CHANNEL: Channel,
    ROLE: Role,
    MENTIONABLE: (User, Member, Role),
    ATTACHMENT: Attachment,
}


class CannotDo(AssertionError):  # noqa: N818 - a fact, as tests read it
    """Discord's own client does not let a person do this."""


class Resolved:
    """The things that an interaction names by id, with what Discord tells of them."""

    def __init__(self, guild, file_limit):
        self.guild, self.file_limit, self.payload = guild, file_limit, {}

    def add(self, thing):
        """Keep what is told of *thing*, and give its id as text."""
        if isinstance(thing, (User, Member)):
            return self._account(getattr(thing, "user", thing))
        if isinstance(thing, Attachment) and len(thing.content) > self.file_limit:
            raise CannotDo(f"{thing.name} is larger than {self.file_limit} bytes")
        kind, payload = {
            Role: ("roles", payloads.role),
            Channel: ("channels", self._channel),
            Attachment: ("attachments", payloads.attachment),
        }.get(type(thing), ("messages", payloads.as_message))
        self.payload.setdefault(kind, {})[str(thing.id)] = payload(thing)
        return str(thing.id)

    def _account(self, user):
        self.payload.setdefault("users", {})[str(user.id)] = payloads.user(user)
        member = self.guild and self.guild.members.get(user.id)
        if member is not None:
            told = payloads.member(member, with_user=False)
            told = {k: v for k, v in told.items() if k not in ("deaf", "mute")}
            told["permissions"] = str(permissions_of(member))
            self.payload.setdefault("members", {})[str(user.id)] = told
        return str(user.id)

    @staticmethod
    def _channel(channel):
        told = payloads.channel(channel)
        return told | {"permissions": str(permissions_of(channel.guild.owner))}


def find_command(commands, words):
    """Give the command that *words* begin with, and the names of its parts down to the last."""
    name, *path = words
    for command in commands:
        if command["name"] == name and command["type"] == 1:
            return command, path
    there = sorted("/" + c["name"] for c in commands if c["type"] == 1)
    raise CannotDo(f"there is no command /{name}; there are {there}")


def declared_options(command, path):
    """Give the options that stand at the end of *path* in a command."""
    options, name = command["options"] or [], "/" + command["name"]
    for word in path:
        found = [o for o in options if o["name"] == word and o["type"] in (SUBCOMMAND, GROUP)]
        if not found:
            raise CannotDo(f"{name} has no {word!r}; it has {[o['name'] for o in options]}")
        options, name = found[0].get("options") or [], f"{name} {word}"
    if any(o["type"] in (SUBCOMMAND, GROUP) for o in options):
        raise CannotDo(f"{name} goes on with one of {[o['name'] for o in options]}")
    return options


def nested(command, path, filled):
    """Give *filled* options inside their subcommand and group."""
    if not path:
        return filled
    options, kinds = command["options"], []
    for word in path:
        part = next(o for o in options if o["name"] == word)
        kinds.append(part["type"])
        options = part.get("options") or []
    for word, kind in reversed(list(zip(path, kinds, strict=True))):
        filled = [{"type": kind, "name": word, "options": filled}]
    return filled


def fill_options(declared, given, resolved, *, focused=None):
    """Give the options of an interaction; what Discord's client refuses raises CannotDo.

    While something is still typed (*focused*), required options may be missing.
    """
    by_name = {o["name"]: o for o in declared}
    if unknown := set(given) - set(by_name):
        raise CannotDo(f"no option {sorted(unknown)}; there are {list(by_name)}")
    missing = [o["name"] for o in declared if o.get("required") and o["name"] not in given]
    if missing and focused is None:
        raise CannotDo(f"{missing} must be given")
    filled = []
    for name, value in given.items():
        option = by_name[name]
        entry = {"name": name, "type": option["type"]}
        if name == focused:
            entry |= {"value": value, "focused": True}
        else:
            entry["value"] = _value(option, value, resolved)
        filled.append(entry)
    return filled


def _value(option, value, resolved):
    kind, name = option["type"], option["name"]
    if kind in THINGS:
        if not isinstance(value, THINGS[kind]):
            raise CannotDo(f"{name} is no such thing: {value!r}")
        _check_channel(option, value)
        return resolved.add(value)
    if choices := option.get("choices"):
        for choice in choices:
            if value in (choice["name"], choice["value"]):
                return choice["value"]
        raise CannotDo(f"{name} is one of {[c['name'] for c in choices]}, not {value!r}")
    if not isinstance(value, PLAIN[kind]) or (kind != BOOLEAN and isinstance(value, bool)):
        raise CannotDo(f"{name} takes no {type(value).__name__}")
    size = len(value) if kind == STRING else value
    least, most = ("min_length", "max_length") if kind == STRING else ("min_value", "max_value")
    if size < option.get(least, size) or size > option.get(most, size):
        raise CannotDo(f"{name} is from {option.get(least)} to {option.get(most)}, not {size}")
    if kind == STRING and len(value) > 6000:
        raise CannotDo(f"{name} is too long")
    return value


def _check_channel(option, value):
    kinds = option.get("channel_types")
    if option["type"] == CHANNEL and kinds and KINDS[value.kind] not in kinds:
        raise CannotDo(f"{option['name']} takes no {value.kind} channel")
