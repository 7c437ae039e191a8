"""One package per feature. Each exports a ``feature``; nothing else names them."""

import importlib
import pkgutil
from importlib.metadata import entry_points

from bot.kit.feature import Feature


def discover() -> dict[str, Feature]:
    """Import every feature here, and every one installed under ``bookwiz.features``.

    Raises:
        ValueError: Two features bear one name.
    """
    packages = [
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    ]
    packages += [point.load() for point in entry_points(group="bookwiz.features")]
    features: dict[str, Feature] = {}
    for package in packages:
        feature = package.feature
        if feature.name in features:
            msg = f"two features are called {feature.name!r}: {features[feature.name].package} and {feature.package}"
            raise ValueError(msg)
        features[feature.name] = feature
    return features
