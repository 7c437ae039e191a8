"""What an analysing runner made, read as what it is: a stranger's word until it has the right form.

A file is opened when it is asked for, if it is the one that the outcome named (``runner.opening``).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner import opening
from runner.contract import Artifact, DatasetManifest
from runner.failures import Refusal
from runner.predictions import refuse_bad_rows
from runner.tasks.rows import row_of

if TYPE_CHECKING:
    from runner.desk import Desk

MOST_FILES = 300
_MOST_JSON = 4_000_000  # bytes: more than any analysis has to say

Count = Annotated[int, Field(ge=0, le=1 << 50)]
Name = Annotated[str, Field(max_length=80)]


class Said(BaseModel):
    """Part of a JSON that a runner wrote; what it says besides is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


_Said = TypeVar("_Said", bound=Said)


class Outputs:
    """The files of one analysis, by name."""

    def __init__(self, desk: "Desk", files: Sequence[Artifact]) -> None:
        """Open nothing yet. Raises Refusal (E_RUNNER_FORM) for too many, and two of one name."""
        self._desk = desk
        self._files = {file.name: file for file in files}
        if not len(self._files) == len(files) <= MOST_FILES:
            raise Refusal("E_RUNNER_FORM", got=f"{len(files)} files, or two of one name")

    def words(self, name: str, form: type[_Said]) -> _Said:
        """Return a JSON file. Raises Refusal (E_RUNNER_FORM) where it is missing or of another form."""
        try:
            return form.model_validate_json(bytes(self.data(name, most=_MOST_JSON)))
        except ValidationError as error:
            raise Refusal("E_RUNNER_FORM", got=f"{name}: {type(error).__name__}") from error

    def array(self, name: str, *, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return an array of just that form. Raises Refusal (E_RUNNER_FORM) for any other."""
        data = self.data(name, most=opening.npy_size(shape, dtype))
        found = opening.npy(data, shape=shape, dtype=dtype, what=name)
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            raise Refusal("E_RUNNER_FORM", got=f"{name}: no numbers")
        return found

    def rows(self, name: str, images: int, manifest: DatasetManifest) -> NDArray[Any]:
        """Return what was predicted of so many images (``runner.tasks.rows``).

        Raises Refusal: E_RUNNER_FORM for another form, E_OUTPUT_SHAPE for what no honest
        runner sends on.
        """
        row = row_of(manifest)
        found = self.array(name, shape=(images, *row.shape), dtype=row.dtype)
        refuse_bad_rows(found, row, manifest)
        return found

    def data(self, name: str, *, most: int) -> bytearray:
        """Return a file as it was named, of at most ``most`` bytes.

        Raises Refusal: E_RUNNER_FORM where it is none of that, E_DESK_FILE where it is not there.
        """
        file = self._files.get(name)
        if file is None:
            raise Refusal("E_RUNNER_FORM", got=f"no {name}")
        return self._desk.read(file.sha256, what=name, most=most, size=file.size)
