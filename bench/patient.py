"""A runner with production's settings, which waits at a stage as long as the benchmark wants.

``python -m bench.patient FOLDER work URL NAME QUEUE``; see ``tests.jobs.holding``.
"""

from tests.jobs import holding

if __name__ == "__main__":
    holding.main(program="bench.patient", settings={})
