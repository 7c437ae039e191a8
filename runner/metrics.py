"""Which version of each metric this code computes: the one home of these numbers.

A change that can give other figures for the same predictions takes the next number. Benchmarks keep
theirs: the old ones take no more models, and what they say stays as it was (ADR 0033).
"""

VERSIONS: dict[str, int] = {
    # classification
    "accuracy": 1,
    "macro_f1": 1,
    # detection
    "ap": 1,
    "ap50": 1,
    # segmentation
    "miou": 1,
    "dice": 1,
}


def version_of(metric: str) -> int:
    """Return the version of *metric* that is computed here; 1 of those that never rank."""
    return VERSIONS.get(metric, 1)
