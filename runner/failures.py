"""The one exception by which an evaluation ends without a score, in the words of the table of codes.

Nothing heavy is imported, because the sandboxed child raises it too.
"""

from runner.codes import CODES
from runner.plain_text import cleaned


class Refusal(Exception):  # noqa: N818 - the project's word for "no, and this is why"
    """An evaluation ends here. ``problem`` and ``got`` may quote a model: they are cleaned."""

    def __init__(
        self, code: str, problem: str = "", *, expected: str = "", got: str = "", fix: str = ""
    ) -> None:
        """Take the words of the table for whatever is not given. Unknown codes are a KeyError."""
        entry = CODES[code]
        self.code = code
        self.ours = entry.ours
        self.problem = cleaned(problem, 300) or entry.meaning
        self.expected = cleaned(expected, 300) or entry.expected
        self.got = cleaned(got, 300)
        self.fix = cleaned(fix, 500) or entry.fix
        super().__init__(f"{code}: {self.problem}")

    def words(self) -> dict[str, str]:
        """Return what a child may say of it over the status pipe."""
        return {
            "code": self.code,
            "problem": self.problem,
            "expected": self.expected,
            "got": self.got,
            "fix": self.fix,
        }
