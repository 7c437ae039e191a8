"""Which task does what."""

from runner.contract import Task
from runner.tasks.classification import Classification
from runner.tasks.detection import Detection
from runner.tasks.segmentation import Segmentation
from runner.tasks.statistics import TaskKind

TASKS: dict[Task, TaskKind] = {
    "classification": Classification(),
    "detection": Detection(),
    "segmentation": Segmentation(),
}


def task_of(task: Task) -> TaskKind:
    """Return what ``task`` knows how to do."""
    return TASKS[task]
