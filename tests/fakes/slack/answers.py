"""What the app's answers do on people's screens: acknowledgements and posts to a response_url."""

from .blocks import check_blocks, check_view
from .deeds import Ack
from .elements import check_choices, check_options


class Answers:
    """Turns what the app answers into what is seen."""

    def acknowledged(self, deed, payload, *, status=200):
        """Take the app's first answer to *deed*."""
        deed.acks.append(Ack(payload, self.clock.now() - deed.sent_at, status))
        kind = deed.payload.get("type", deed.kind)
        if kind == "view_submission":
            self._submitted(deed, payload)
        elif kind == "block_suggestion":
            self._suggested(deed, payload)
        elif kind != "event_callback" and (payload.get("text") or payload.get("blocks")):
            if payload.get("blocks") and check_blocks(payload["blocks"]):
                deed.trouble += check_blocks(payload["blocks"])
            else:
                self.responded(deed, payload)
        self.bell.ring()

    def responded(self, deed, body):
        """Show what came to *deed*'s response_url, or with its acknowledgement."""
        channel, original = deed.channel, deed.message
        if original is not None and body.get("delete_original"):
            self.take_back(original)
        if not body.get("text") and not body.get("blocks"):
            return
        if original is not None and body.get("replace_original"):
            self.edit(original, body.get("text") or "", body.get("blocks") or [])
            deed.replies.append(original)
            return
        loud = body.get("response_type") == "in_channel"
        message = self.post(
            channel,
            channel.team.bot,
            body.get("text") or "",
            blocks=body.get("blocks") or [],
            only_for=None if loud else deed.person,
            thread_ts=body.get("thread_ts"),
            by_app=True,
        )
        deed.replies.append(message)

    def _submitted(self, deed, payload):
        """Do with the modal what the answer to its submission says."""
        view, action = deed.view, payload.get("response_action")
        if action is None:
            self.screens.close(view)
        elif action == "clear":
            self.screens.clear(deed.person)
        elif action == "errors":
            self._errors(deed, view, payload.get("errors"))
        elif action in {"update", "push"}:
            complaints = check_view(payload.get("view"))
            deed.trouble += complaints
            if complaints:
                return
            if action == "update":
                self.screens.change(view, payload["view"])
                deed.views.append(view)
            else:
                self.screens.push(deed, payload["view"], refuse=AssertionError)
        else:
            deed.trouble.append(f"unknown response_action: {action}")

    @staticmethod
    def _errors(deed, view, errors):
        inputs = {b["block_id"] for b in view.blocks if b["type"] == "input"}
        if not errors:
            deed.trouble.append("response_action errors without errors")
            return
        deed.trouble += [f"no input block {name}" for name in errors if name not in inputs]
        view.errors = dict(errors)

    def _suggested(self, deed, payload):
        """Keep the options that the app suggests, so that the person can choose one."""
        complaints = (
            check_choices(payload, "")
            if payload.get("option_groups")
            else check_options(payload.get("options"), "/options", least=0)
        )
        deed.trouble += complaints
        if complaints:
            return
        options = list(payload.get("options") or ())
        for group in payload.get("option_groups") or ():
            options += group["options"]
        deed.options = options
        self.suggested[deed.payload["action_id"]] = options
