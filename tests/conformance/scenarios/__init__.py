"""How a member uses each command: a module for each feature, found by itself.

Moira administers; Ada and Bob are members. What it does beside the command itself is done on the
same platform, so a scenario is a small story.
"""

import importlib
import pkgutil

from tests.conformance.scenarios.telling import SCENARIOS

for _found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_found.name}")

__all__ = ["SCENARIOS"]
