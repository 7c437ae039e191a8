"""Which runner can do a job: what the job needs, and what a runner proved when it said hello.

The name of the engine's queue carries the needs, so that a job never reaches a runner that would
have to refuse it: ``cpu``, ``cpu+torch``, ``cpu+full``, ``cpu+full+torch``. The part before the
first plus is the line in which members wait; a runner listens to every name of its line that it can
serve. Every job asks for walls at least (tier reduced), and the line ``gpu`` for a GPU.
"""

from collections.abc import Collection
from itertools import combinations
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Field

from runner.contract import LONGEST_NAME, Evaluation, Format, Purpose, Tier

Need = Literal["full", "torch"]
NEEDS: tuple[Need, ...] = get_args(Need)  #: in the order in which names have them
GPU_LINE = "gpu"  #: the line of benchmarks whose jobs need a GPU
NOTHING = "nothing"  #: a queue without jobs, for a runner that can do none

_PROGRAMS = ("torchscript", "pt2")  # loading these runs code of theirs
_OF_TORCH = ("safetensors", *_PROGRAMS)


#: a runner's name, and other words of its own that moderators read
Name = Annotated[str, Field(max_length=LONGEST_NAME)]


class Hello(BaseModel):
    """What a runner says of itself before it takes work. Later versions may say more."""

    runner: Name
    tier: Tier
    hardware: Name
    versions: dict[Name, Name] = Field(max_length=32)
    formats: tuple[Format, ...] = Field(
        default=("onnx",), max_length=32
    )  #: of models that it can open
    purposes: tuple[Name, ...] = Field(
        default=("score",), max_length=32
    )  #: what it can run a model for; a newer one may know more
    gpus: tuple[Name, ...] = Field(
        default=(), max_length=64
    )  #: names of those that its cells compute on


def needs_of(*, format: Format, purpose: Purpose, minimum_tier: Tier) -> frozenset[Need]:
    """What a runner must have for such a job, in any line."""
    needs: set[Need] = set()
    # The quantiser writes files, and only the walls of tier full bound how much.
    if minimum_tier == "full" or format in _PROGRAMS or purpose == "quantize":
        needs.add("full")
    if format in _OF_TORCH:
        needs.add("torch")
    return frozenset(needs)


def queue_name(line: str, needs: Collection[Need]) -> str:
    """The engine's queue for jobs of *line* with these needs."""
    return "+".join((line, *(need for need in NEEDS if need in needs)))


def queue_for(line: str, evaluation: Evaluation) -> str:
    """The engine's queue for *evaluation*."""
    return queue_name(
        line,
        needs_of(
            format=evaluation.format,
            purpose=evaluation.purpose,
            minimum_tier=evaluation.minimum_tier,
        ),
    )


def parts_of(queue: str) -> tuple[str, frozenset[Need]] | None:
    """The line and the needs that `queue_name` made *queue* of; None: another version's name."""
    line, *words = queue.split("+")
    needs = frozenset(need for need in NEEDS if need in words)
    return (line, needs) if queue_name(line, needs) == queue else None


def queues_taken(line: str, hello: Hello) -> tuple[str, ...]:
    """Every queue of *line* whose jobs the runner of that hello can do; none without walls."""
    if hello.tier == "none" or (line == GPU_LINE and not hello.gpus):
        return ()
    proven: list[Need] = []
    if hello.tier == "full":
        proven.append("full")
    if "safetensors" in hello.formats:  # what torch alone opens
        proven.append("torch")
    return tuple(
        queue_name(line, some)
        for many in range(len(proven) + 1)
        for some in combinations(proven, many)
    )
