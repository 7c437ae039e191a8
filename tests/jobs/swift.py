"""The real worker and the real evaluation, but the cell: models are run in the process itself.

``python -m tests.jobs.swift FOLDER work URL NAME QUEUE``. For a burst in a test: a cell's imports
take ten times as long as these models.
"""

import sys

from tests.jobs import holding


class NoCell:
    """Stands for the first cell, and for the proof of what cells hold: here is none."""

    tier = walls = "full"

    def close(self):
        pass


def _predicted(_self, evaluation, images, model, tell):
    import numpy as np
    import onnxruntime

    from runner.contract import Stage
    from runner.predictions import Claims, Predictions

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = []
    for split in images.splits:
        shape = (
            split.rows,
            images.manifest.height,
            images.manifest.width,
            images.manifest.channels,
        )
        pixels = np.memmap(split.path, np.uint8, "r", split.offset, shape)
        given = pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255
        rows.append(session.run(None, {"x": given})[0].astype(np.float32))
    tell(Stage.PREDICT, 1)
    return Predictions(tuple(rows), Claims(model={"parameters": 640}))


def main():
    if sys.argv[2] == "serve":
        from runner import serve
        from runner.evaluate import Evaluator
        from runner.sandbox import tier

        serve.Cell = NoCell
        tier.prove = NoCell  # the probes take longer than ten of these models, at each start
        Evaluator._predict = _predicted
        Evaluator.prepare = lambda self: None
    # Progress as seldom as in production: 300 models tell of a thousand stages otherwise.
    holding.main(program="tests.jobs.swift", settings=holding.HURRY | {"progress_seconds": 2})


if __name__ == "__main__":
    main()
