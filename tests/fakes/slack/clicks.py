"""What people do with buttons, menus and modals."""

from . import payloads
from .filling import check_filled, filled
from .reading import NotThere, find, option_of
from .world import Message


class Clicks:
    """The verbs of people on what the app shows them. Each gives a Deed."""

    async def press(self, person, where, action):
        """Press a button on a message, a modal or a home; *action* is its label or its action_id."""
        block, element = find(where.blocks, action)
        if element["type"] != "button":
            raise NotThere(f"{action!r} is a {element['type']}, not a button")
        return await self._act(person, where, block, element, {})

    async def select(self, person, where, action, value):
        """Choose in a menu, a date, a choice; *value* is what is read, or what it is worth."""
        block, element = find(where.blocks, action)
        if element["type"] == "overflow":
            done = {"selected_option": option_of(element, value)}
        else:
            done = filled(element, value, self.suggested.get(element["action_id"], ()))
            if not isinstance(where, Message):
                where.state.setdefault(block["block_id"], {})[element["action_id"]] = done
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise NotThere(f"{action!r} tells the app nothing before the modal is submitted")
        return await self._act(person, where, block, element, done)

    async def suggest(self, person, where, action, typed=""):
        """Type into a menu whose options the app suggests; they are ``deed.options`` once acked."""
        block, element = find(where.blocks, action)
        deed = self._deed(person, "interactive", **self._at(where))
        deed.payload = payloads.who(person) | {
            "type": "block_suggestion",
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "value": typed,
        }
        deed.payload |= self._place(where)
        return await self._send(deed)

    async def submit_view(self, person, view=None, values=None, files=None):
        """Fill a modal in and submit it; the topmost one unless *view* says which.

        *values* and *files* are by label, action_id or block_id. What was typed before stays.
        Slack's own screen refuses what is empty, too long or no number, with CannotSubmit.
        """
        view = view or self.screens.top(person)
        assert view is not None, f"{person.name} sees no modal"
        assert view.open, f"the modal {view.title!r} is closed"
        for wanted, value in {**(values or {}), **(files or {})}.items():
            self.fill(view, wanted, value)
        check_filled(view.blocks, view.state)
        deed = self._deed(person, "interactive", view=view)
        deed.payload = payloads.who(person) | {
            "type": "view_submission",
            "view": view.as_view(),
            "response_urls": [],
        }
        deed.payload["trigger_id"] = self.triggers.give(deed)
        return await self._send(deed)

    def fill(self, view, wanted, value):
        """Fill one field in, and submit nothing yet."""
        block, element = find(view.blocks, wanted)
        entry = filled(element, value, self.suggested.get(element["action_id"], ()))
        view.state.setdefault(block["block_id"], {})[element["action_id"]] = entry

    async def close_view(self, person, view=None, *, all_of_them=False):
        """Close a modal, or the stack of them; the app hears of it if it asked to."""
        view = view or self.screens.top(person)
        deed = self._deed(person, "interactive", view=view)
        deed.payload = payloads.who(person) | {
            "type": "view_closed",
            "view": view.as_view(),
            "is_cleared": all_of_them,
        }
        self.screens.clear(person) if all_of_them else self.screens.close(view)
        return await self._send(deed) if view.content.get("notify_on_close") else deed

    async def _act(self, person, where, block, element, value):
        deed = self._deed(person, "interactive", **self._at(where))
        done = payloads.action(block, element, value, self.clock.now())
        deed.payload = payloads.who(person) | {"type": "block_actions", "actions": [done]}
        deed.payload |= self._place(where)
        is_message = isinstance(where, Message)
        if is_message:
            deed.payload["state"] = {"values": {}}
        return await self._send(self._answerable(deed, by_url=is_message))

    @staticmethod
    def _at(where):
        if isinstance(where, Message):
            return {"message": where, "channel": where.channel}
        return {"view": where}

    @staticmethod
    def _place(where):
        if isinstance(where, Message):
            return payloads.place_of(where)
        return {"container": {"type": "view", "view_id": where.id}, "view": where.as_view()}
