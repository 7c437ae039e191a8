"""Answering interactions: the first answer, and what follows by the interaction's token."""

from tests.fakes.discord import deeds, payloads, posting
from tests.fakes.discord.refusals import Refused, unknown
from tests.fakes.discord.world import EPHEMERAL, LOADING

from .declared import Route

#: which answers fit which kind of interaction
FITTING = {
    "command": (deeds.MESSAGE, deeds.DEFER, deeds.MODAL),
    "menu": (deeds.MESSAGE, deeds.DEFER, deeds.MODAL),
    "press": (deeds.MESSAGE, deeds.DEFER, deeds.DEFER_UPDATE, deeds.UPDATE, deeds.MODAL),
    "choose": (deeds.MESSAGE, deeds.DEFER, deeds.DEFER_UPDATE, deeds.UPDATE, deeds.MODAL),
    "autocomplete": (deeds.CHOICES,),
    "submit": (deeds.MESSAGE, deeds.DEFER, deeds.DEFER_UPDATE, deeds.UPDATE),
}


def callback(call):
    """Take the first answer to an interaction."""
    deed = call.fake.deeds.get(call.part("interaction"))
    if deed is None or deed.token != call.parts["token"]:
        raise unknown("interaction", 10062)
    if deed.answer is not None:
        raise Refused(400, 40060, "Interaction has already been acknowledged.")
    if deed.expired:
        raise unknown("interaction", 10062)
    kind, data = call.body["type"], call.body.get("data") or {}
    fits = kind in FITTING[deed.kind]
    if kind in (deeds.DEFER_UPDATE, deeds.UPDATE) and deed.at_message is None:
        fits = False
    if not fits:
        raise Refused(400, 50035, "Invalid Form Body")
    message = _ANSWERS[kind](call, deed, data)
    deed.acked_after = call.fake.clock.now() - deed.sent_at
    deed.answer = call.body
    if call.query.get("with_response") not in ("true", "True", "1"):
        return None
    return _resource(deed, kind, message)


def _resource(deed, kind, message):
    about = {"id": str(deed.id), "type": deed.type}
    if message is not None:
        about |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
    resource = {"type": kind}
    if message is not None:
        resource["message"] = payloads.as_message(message)
    return {"interaction": about, "resource": resource}


def _say(call, deed, data):
    flags = data.get("flags") or 0
    deed.ephemeral = bool(flags & EPHEMERAL)
    message = posting.made(
        call.fake, deed.channel, data, call.files, interaction=deed, only_for=_only_for(deed)
    )
    deed.message = call.fake.put(message)
    return message


def _only_for(deed):
    return deed.user if deed.ephemeral else None


def _defer(call, deed, data):
    """Show “is thinking…”; whether only one person sees the answer is decided here."""
    deed.deferred = True
    deed.ephemeral = bool((data.get("flags") or 0) & EPHEMERAL)
    body = {"content": " ", "flags": data.get("flags") or 0}
    message = posting.made(
        call.fake, deed.channel, body, [], interaction=deed, only_for=_only_for(deed)
    )
    message.content, message.flags = "", message.flags | LOADING
    deed.message = call.fake.put(message)
    return message


def _defer_update(call, deed, data):
    deed.deferred, deed.ephemeral = True, deed.at_message.ephemeral
    deed.message = deed.at_message
    return deed.message


def _update(call, deed, data):
    deed.ephemeral = deed.at_message.ephemeral
    deed.message = posting.edited(call.fake, deed.at_message, data, call.files)
    return deed.message


def _choices(call, deed, data):
    deed.choices = data["choices"]


def _modal(call, deed, data):
    deed.modal = deeds.Modal(deed, data["title"], data["custom_id"], data["components"])
    call.fake.modals.append(deed.modal)


_ANSWERS = {
    deeds.MESSAGE: _say,
    deeds.DEFER: _defer,
    deeds.DEFER_UPDATE: _defer_update,
    deeds.UPDATE: _update,
    deeds.CHOICES: _choices,
    deeds.MODAL: _modal,
}


def _deed(call):
    """Give the interaction whose token stands in the path, while the token lives."""
    if call.part("app") != call.fake.app_id:
        raise unknown("Webhook", 10015)
    deed = call.fake.by_token.get(call.parts["token"])
    if deed is None:
        raise Refused(401, 50027, "Invalid Webhook Token")
    if deed.answer is None:
        raise unknown("Webhook", 10015)
    if deed.expired:
        raise Refused(401, 50027, "Invalid Webhook Token")
    return deed


def follow_up(call):
    """Send a further message; the first one after a defer fills the “is thinking…” in."""
    deed, body = _deed(call), call.body or {}
    if deed.deferred and deed.message.loading and not deed.message.deleted:
        return payloads.as_message(_filled_in(call, deed, body))
    message = posting.made(call.fake, deed.channel, body, call.files, interaction=deed)
    if message.flags & EPHEMERAL:
        message.only_for = deed.user
    deed.followups.append(call.fake.put(message))
    return payloads.as_message(message)


def _filled_in(call, deed, body):
    """Put the answer where “is thinking…” stands; it is as ephemeral as that was, whatever it says."""
    message = deed.message
    message.flags &= ~LOADING
    return posting.edited(call.fake, message, body, call.files)


def _named(call):
    """Give the deed and the message that the path names; ``@original`` is the first answer."""
    deed, name = _deed(call), call.parts["message"]
    message = deed.message
    if name != "@original":
        everything = [*deed.followups, *([message] if message else [])]
        message = next((m for m in everything if str(m.id) == name), None)
    if message is None or message.deleted:
        raise unknown("Message", 10008)
    return deed, message


def get(call):
    return payloads.as_message(_named(call)[1])


def edit(call):
    deed, message = _named(call)
    if message.loading:
        return payloads.as_message(_filled_in(call, deed, call.body or {}))
    return payloads.as_message(posting.edited(call.fake, message, call.body or {}, call.files))


def delete(call):
    call.fake.take_back(_named(call)[1])


_MESSAGE = "/webhooks/{app}/{token}/messages/{message}"
ROUTES = [
    Route("POST", "/interactions/{interaction}/{token}/callback", callback, authorized=False),
    Route("POST", "/webhooks/{app}/{token}", follow_up, authorized=False),
    Route("GET", _MESSAGE, get, authorized=False),
    Route("PATCH", _MESSAGE, edit, authorized=False),
    Route("DELETE", _MESSAGE, delete, authorized=False),
]
