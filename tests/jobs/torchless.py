"""As tests.jobs.holding, on a host where PyTorch is not installed."""

import sys

sys.modules["torch"] = None  # so that neither is it found nor can it be imported

from tests.jobs.holding import main  # noqa: E402 - after torch has gone

if __name__ == "__main__":
    main("tests.jobs.torchless")
