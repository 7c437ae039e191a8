"""What an analysing runner made, read as what it is: a stranger's word until it has the right form."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from runner.contract import Artifact
from runner.failures import Refusal

if TYPE_CHECKING:
    from runner.desk import Desk

_MOST_JSON = 4_000_000  # bytes: more than any analysis has to say


class Said(BaseModel):
    """Part of a JSON that a runner wrote; what it says besides is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


_Said = TypeVar("_Said", bound=Said)


class Outputs:
    """The files of one analysis, by name."""

    def __init__(self, desk: "Desk", files: Sequence[Artifact]) -> None:
        self._files = {file.name: desk.file(file.sha256) for file in files}
        self._sizes = {file.name: file.size for file in files}

    def size(self, name: str) -> int:
        """Return how large a file is; 0 where there is none."""
        return self._sizes.get(name, 0)

    def words(self, name: str, form: type[_Said]) -> _Said:
        """Return a JSON file. Raises Refusal (E_RUNNER_FETCH) where it is missing or of another form."""
        try:
            with self._path(name).open("rb") as file:
                return form.model_validate_json(file.read(_MOST_JSON))
        except (OSError, ValidationError) as error:
            raise Refusal("E_RUNNER_FETCH", got=f"{name}: {type(error).__name__}") from error

    def array(self, name: str, *, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return an array of just that form. Raises Refusal (E_RUNNER_FETCH) for any other."""
        try:
            found: NDArray[Any] = np.load(self._path(name), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise Refusal("E_RUNNER_FETCH", got=f"{name}: {type(error).__name__}") from error
        if found.shape != shape or found.dtype != dtype or not _finite(found):
            raise Refusal("E_RUNNER_FETCH", expected=f"{shape} {dtype}", got=f"{name}")
        return found

    def _path(self, name: str) -> Path:
        if name not in self._files:
            raise Refusal("E_RUNNER_FETCH", got=f"no {name}")
        return self._files[name]


def _finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
