"""What the bot's own codes mean: the words of docs/errors.md, a module for each feature.

The bot says each where it happens, with what it knows there. Its runner's codes are in runner/codes.py.
"""

import importlib
import pkgutil

from runner.codes import Entry

CODES: dict[str, Entry] = {}
for _found in pkgutil.iter_modules(__path__):
    _codes = importlib.import_module(f"{__name__}.{_found.name}").CODES
    assert not CODES.keys() & _codes.keys(), sorted(CODES.keys() & _codes.keys())
    CODES |= _codes
