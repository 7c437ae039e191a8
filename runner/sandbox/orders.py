"""What a parent tells its cell before there is a job: one argument, so that it needs no file."""

import dataclasses
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Orders:
    """The same words reach the warden and, through bubblewrap, the process inside."""

    purpose: str
    walls: str  #: the tier to build: full, reduced or none
    parent: int  #: the pid whose death ends the cell
    control: int  #: descriptor of the socket that brings the job
    status: int  #: descriptor of the pipe that takes status lines
    cgroup: str = ""  #: folder of the control group to join, made by the parent
    #: where to import from and what to read, as the warden's interpreter knows it: the one inside
    #: is started without site packages, and would not find its virtual environment
    paths: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    #: guards left out, so that a test can show what each of them holds; empty everywhere else
    without: tuple[str, ...] = ()

    def has(self, guard: str) -> bool:
        return guard not in self.without

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Orders":
        words = json.loads(text)
        for name in ("paths", "readable", "without"):
            words[name] = tuple(words[name])
        return cls(**words)
