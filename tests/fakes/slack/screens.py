"""What stands on people's screens: modals in stacks of three at most, and homes."""

from copy import deepcopy
from dataclasses import dataclass

from . import limits
from .filling import initial_state
from .world import View


@dataclass(eq=False)
class Trigger:
    """One trigger_id: good for three seconds, and for one view."""

    deed: object
    at: float
    spent: bool = False


class Triggers:
    """All trigger_ids that were given out."""

    def __init__(self, fake):
        self._fake = fake
        self._given = {}

    def give(self, deed):
        """Give a fresh trigger_id for *deed*."""
        name = f"{len(self._given) + 1}.{deed.person.team.id}.{self._fake.ids('t')}"
        self._given[name] = Trigger(deed, self._fake.clock.now())
        return name

    def spend(self, name):
        """Give the deed of a trigger_id; a LookupError says Slack's word for what is wrong."""
        trigger = self._given.get(name)
        if trigger is None:
            raise LookupError("invalid_trigger_id")
        if trigger.spent:
            raise LookupError("exchanged_trigger_id")
        if self._fake.clock.now() - trigger.at > limits.TRIGGER_SECONDS:
            raise LookupError("expired_trigger_id")
        trigger.spent = True
        return trigger.deed


class Screens:
    """Every view there is."""

    def __init__(self, fake):
        self._fake = fake
        self._views = []
        self._homes = {}

    def stack(self, person):
        """Give the open modals of *person*, the topmost last."""
        return [v for v in self._views if v.person is person and v.open]

    def top(self, person):
        """Give the modal that *person* sees, or None."""
        return next(reversed(self.stack(person)), None)

    def home(self, person):
        """Give what the app published as home of *person*, or None."""
        return self._homes.get(person)

    def find(self, team, *, view_id=None, external_id=None):
        """Give a view by either id, or None."""
        for view in reversed([*self._views, *self._homes.values()]):
            if view.team is team and (
                view.id == view_id
                or (external_id and view.content.get("external_id") == external_id)
            ):
                return view
        return None

    def open(self, deed, content, *, refuse):
        """Open a modal for who did *deed*; one opened before is closed by that."""
        self._unique(deed.person.team, content, refuse)
        for view in self.stack(deed.person):
            view.open = False
        return self._show(deed, content)

    def push(self, deed, content, *, refuse):
        """Lay a modal on those that are open."""
        below = self.stack(deed.person)
        if not below:
            raise refuse("not_found")
        if len(below) >= limits.PUSHED_VIEWS:
            raise refuse("push_limit_reached")
        self._unique(deed.person.team, content, refuse)
        return self._show(deed, content, below=below[-1])

    def _show(self, deed, content, below=None):
        view = self._view(deed.person, content)
        if below:
            view.root_id, view.previous_id = below.root_id, below.id
        self._views.append(view)
        deed.views.append(view)
        self._fake.bell.ring()
        return view

    def _view(self, person, content):
        content = deepcopy(content)
        self._fake.name_parts(content["blocks"])
        state = initial_state(content["blocks"])
        view = View(self._fake.ids("V"), person.team, person, content, self._hash(), state=state)
        view.root_id = view.id
        return view

    def _hash(self):
        return f"{self._fake.clock.now():.6f}.{self._fake.ids('h')}"

    def _unique(self, team, content, refuse):
        name = content.get("external_id")
        if name and (other := self.find(team, external_id=name)) and other.open:
            raise refuse("duplicate_external_id")

    def change(self, view, content):
        """Show other content in *view*; what was typed stays where both ids are the same."""
        content = deepcopy(content)
        self._fake.name_parts(content["blocks"])
        fresh = initial_state(content["blocks"])
        for block_id, actions in fresh.items():
            for action_id in actions:
                if action_id in view.state.get(block_id, {}):
                    actions[action_id] = view.state[block_id][action_id]
        view.content, view.state, view.hash = content, fresh, self._hash()
        view.errors = {}
        self._fake.bell.ring()

    def publish(self, person, content):
        """Show *content* as the home of *person*."""
        home = self._homes.get(person)
        if home is None:
            home = self._homes[person] = self._view(person, content)
            self._fake.bell.ring()
        else:
            self.change(home, content)
        return home

    def close(self, view):
        """Close *view*; what lies under it is seen again."""
        view.open = False
        self._fake.bell.ring()

    def clear(self, person):
        """Close all modals of *person*."""
        for view in self.stack(person):
            self.close(view)
