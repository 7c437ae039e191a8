"""The attacking process: every attack in turn, or one storm, from inside a cell."""

from collections.abc import Callable

from runner.sandbox.attacks import ATTACKS, Bait, look_up
from runner.sandbox.child import Job, Start, Status


def prepare() -> Start:
    """Load what the attacks need, as ``predict`` loads what it needs; return ``start``."""
    import subprocess

    from runner.sandbox import storms

    del subprocess, storms
    look_up()
    return start


def start(job: Job, status: Status) -> Callable[[], None]:
    """``job`` brings images (read-only), a model (sealed) and an output (of fixed size).

    Its ``attacks`` are those to try, all where it names none; its ``storm`` is the one instead.
    """
    from runner.sandbox import storms

    names = ("descriptor", "model", "output")
    bait = {**job.words, **dict(zip(names, job.descriptors, strict=False))}
    storm = job.words.get("storm")
    if storm:
        early = storms.STORMS[storm].early
        if early is not None:
            early()
        return lambda: storms.rage(storm, bait, status)
    return lambda: _attack(bait, status)


def _attack(bait: Bait, status: Status) -> None:
    for name in bait.get("attacks", ATTACKS):
        attack = ATTACKS[name]
        if attack.full_only and not bait["full"]:
            continue
        try:
            gain = attack.run(bait)
        except (OSError, MemoryError) as error:
            status.say(
                probe=name, held=True, answer=(getattr(error, "strerror", "") or str(error))[:80]
            )
        else:
            status.say(probe=name, held=False, answer=gain)
    status.say(done=True)
