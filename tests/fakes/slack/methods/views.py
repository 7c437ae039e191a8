"""views.*: modals and homes."""

import json

from tests.fakes.slack import limits
from tests.fakes.slack.blocks import check_view

from .declared import SlackError, method


def content(call):
    """Give the view of a call, or refuse it as Slack does."""
    view = call.structure("view")
    refuse_bad(view)
    return view


def refuse_bad(view):
    """Refuse a view that Slack would not take."""
    complaints = check_view(view)
    if complaints:
        messages = [f"[ERROR] {complaint}" for complaint in complaints]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")


def _kind(view, kind):
    if view["type"] != kind:
        messages = [f"[ERROR] must be a {kind} [json-pointer:/view/type]"]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})


def _trigger(call):
    try:
        return call.fake.triggers.spend(call.need("trigger_id"))
    except LookupError as refused:
        raise SlackError(str(refused)) from None


@method("views.open", tier=4)
def open_(call):
    view = content(call)
    _kind(view, "modal")
    deed = _trigger(call)
    return {"view": call.fake.screens.open(deed, view, refuse=SlackError).as_view()}


@method("views.push", tier=4)
def push(call):
    view = content(call)
    _kind(view, "modal")
    deed = _trigger(call)
    return {"view": call.fake.screens.push(deed, view, refuse=SlackError).as_view()}


@method("views.update", tier=4)
def update(call):
    content_ = content(call)
    by_id, by_name = call.args.get("view_id"), call.args.get("external_id")
    view = call.fake.screens.find(call.team, view_id=by_id, external_id=by_name)
    if view is None or not view.open:
        raise SlackError("not_found")
    _kind(content_, view.content["type"])
    _fresh(call, view)
    call.fake.screens.change(view, content_)
    return {"view": view.as_view()}


@method("views.publish", tier=4)
def publish(call):
    content_ = content(call)
    _kind(content_, "home")
    person = next((p for p in call.team.people if p.id == call.need("user_id")), None)
    if person is None or person.is_bot:
        messages = ["[ERROR] user not found [json-pointer:/user_id]"]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    home = call.fake.screens.home(person)
    if home is not None:
        _fresh(call, home)
    return {"view": call.fake.screens.publish(person, content_).as_view()}


def _fresh(call, view):
    if call.args.get("hash") and call.args["hash"] != view.hash:
        raise SlackError("hash_conflict")
