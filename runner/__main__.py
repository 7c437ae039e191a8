"""``python -m runner`` is ``bookwiz-runner``, for where scripts are not on the path."""

from runner.cli import main

main()
