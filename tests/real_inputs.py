"""Where real inputs lie: MNIST and COCO's published example, which are not part of the project.

The suite stands without them: what they would add is left out, and named at the end of the run.
"""

import os
from pathlib import Path

VARIABLE = "BOOKWIZ_TEST_DATA"
FOLDER = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "shared" / "data")


def why_missing(*names: str) -> str | None:
    """Say which of these folders is not there, and what to do about it; None where all are."""
    for name in names:
        if not (FOLDER / name).is_dir():
            return (
                f"there is no {FOLDER / name}; {VARIABLE} names the folder of the real MNIST and COCO"
                " files, which are no part of the project, and the suite stands without them"
            )
    return None
