"""Keys that fit their column, and stay apart where they are longer."""

import hashlib

LONGEST = 200
_DIGEST = 40  # hexadecimal digits


def fitting(key: str) -> str:
    """*key*; where it is too long, its beginning and a hash of all of it."""
    if len(key) <= LONGEST:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:_DIGEST]
    return f"{key[: LONGEST - _DIGEST - 1]}:{digest}"
