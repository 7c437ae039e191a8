"""A desk that says what a test wrote down for a kind of errand; the real one does the rest."""

from typing import Any

from runner.contract import Failure, Plain
from tests.desk_here import DeskHere


class ScriptedDesk(DeskHere):
    """Answers kinds in ``says`` by what is there: an answer, a failure, or what makes one of it."""

    def __init__(self, real: DeskHere) -> None:
        super().__init__(real.desk.files, real.desk.datasets)
        self.says: dict[str, Any] = {}

    async def ask(self, errand: Any) -> Plain | Failure:
        said = self.says.get(errand.kind)
        if said is None:
            return await super().ask(errand)
        self.asked.append(errand)
        return said(errand) if callable(said) and not isinstance(said, Plain) else said

    def of(self, kind: str) -> list[Any]:
        """What was asked of that kind."""
        return [e for e in self.asked if e.kind == kind]
