"""Makes text that came out of a model or a library fit to be shown to people."""

import re
import sys
from pathlib import Path

# A path tells a stranger how this machine is laid out. Node names such as "/layer1/conv1/Conv" look
# alike and are worth keeping, so only roots that a system really has are taken out.
_ROOTS = (
    "bin|boot|dev|etc|home|lib|lib64|media|mnt|onnxruntime_src|opt|private|proc|root|run|sbin|srv|sys"
    "|tmp|usr|Users|var"
)
_SYSTEM_PATH = re.compile(rf"(?<![\w.])/(?:{_ROOTS})(?:/[^\s:;,'\"()<>]*)+")
_OUR_PATHS = re.compile(
    "|".join(
        rf"{re.escape(prefix)}[^\s:;,'\"()<>]*"
        for prefix in {sys.prefix, sys.base_prefix, str(Path(__file__).parent.parent)}
    )
)
# `@` and `<` begin every ping on both platforms; these look-alikes begin none.
_HARMLESS = str.maketrans({"@": "\uff20", "<": "\u2039", ">": "\u203a"})


def cleaned(text: object, limit: int = 200) -> str:
    """Return one printable line of at most ``limit`` characters that pings nobody and names no path."""
    # Cut before the regular expressions see it: a model may carry megabytes of text.
    raw = str(text)[: limit * 8]
    line = " ".join("".join(c if c.isprintable() else " " for c in raw).split())
    line = _OUR_PATHS.sub("[path]", _SYSTEM_PATH.sub("[path]", line)).translate(_HARMLESS)
    return line if len(line) <= limit else line[: limit - 1] + "\u2026"
