"""What runners on other hosts sent back, by attempt: nobody else's file can be passed off as made.

Notes are empty files beside the store, since they have to outlive a crash as the files do, and a
row would have to be written by a request that has no business in the database.
"""

import shutil
import time
from pathlib import Path

import structlog

from bot.kit.files import SHA256
from bot.kit.links import ATTEMPT
from runner.contract import Outcome

_log = structlog.get_logger(__name__)
_KEPT_SECONDS = 2 * 86_400  # longer than any attempt


class Received:
    """Notes which attempt sent which file."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def note(self, attempt: str, sha256: str, size: int) -> None:
        """Remember it. Raises KeyError for what is no attempt or no hash."""
        folder = self._folder(attempt)
        if not SHA256.fullmatch(sha256):
            raise KeyError(sha256)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{sha256}.{size}").touch()

    def of(self, attempt: str) -> dict[str, int]:
        """What that attempt sent: sizes in bytes by hash."""
        folder = self._folder(attempt)
        if not folder.is_dir():
            return {}
        notes = (note.name.partition(".") for note in folder.iterdir())
        return {sha256: int(size) for sha256, _, size in notes}

    def files(self) -> set[str]:
        """Hashes of all that attempts sent which are not forgotten: an outcome may still name them."""
        return {note.name.partition(".")[0] for note in self._root.glob("*/*")}

    def without_strangers(self, outcome: Outcome) -> Outcome:
        """*outcome*, without any file if it names one that its own attempt did not send.

        A runner knows hashes of other members' models and could show them around as its own, or
        have the leader's predictions scored once more.
        """
        try:
            sent = self.of(f"{outcome.submission}:{outcome.attempt}")
        except KeyError:
            sent = {}
        files = {
            kind: tuple(f for f in found if sent.get(f.sha256) == f.size)
            for kind, found in (
                ("predictions", outcome.predictions),
                ("artifacts", outcome.artifacts),
            )
        }
        if len(files["predictions"] + files["artifacts"]) < len(
            outcome.predictions + outcome.artifacts
        ):
            _log.warning(
                "outcome.strange_files", submission=outcome.submission, runner=outcome.runner
            )
            files = dict.fromkeys(files, ())
        return outcome.model_copy(update=files)

    def clear(self) -> None:
        """Forget attempts that ended long ago. Their files stay."""
        if not self._root.is_dir():
            return
        for folder in self._root.iterdir():
            if folder.stat().st_mtime < time.time() - _KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, attempt: str) -> Path:
        if not ATTEMPT.fullmatch(attempt):
            raise KeyError(attempt)
        return self._root / attempt.replace(":", ".")
