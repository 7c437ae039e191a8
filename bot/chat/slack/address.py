"""Where something is at Slack: in which workspace, and there under which id.

With one workspace, whose token is a setting, ids stand alone: ``C0123``. Where workspaces install
the bot by OAuth, a place and an account bear their team: ``T01/C0123``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """An id in a workspace; ``team`` is empty where there is only one."""

    team: str
    id: str

    def __str__(self) -> str:
        return f"{self.team}/{self.id}" if self.team else self.id


def parse(text: str) -> Address:
    team, _, id_ = text.removeprefix("@").rpartition("/")
    return Address(team, id_)
