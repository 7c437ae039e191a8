"""What a cell can be for: which module works in it, and what that work needs besides arithmetic."""

from dataclasses import dataclass
from types import MappingProxyType

_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Purpose:
    """``module`` has ``prepare``; it is imported behind Landlock, before any stranger's byte."""

    module: str
    #: set inside the cell before that import; the parent's environment reaches no cell at all
    environment: MappingProxyType[str, str]
    #: seccomp lets memory become executable: for libraries that write machine code (oneDNN does)
    executable_memory: bool = False
    #: bytes of a private tmpfs at ``SCRATCH``; above 0, the cell exists at tier full only, because
    #: nothing else bounds how much a process may write to disk
    scratch: int = 0


#: where a purpose with ``scratch`` may make files; nothing of it outlives the cell. A folder that no
#: host has: mounted over one that is bound, such as /tmp, it would hide a checkout that lies there
SCRATCH = "/bookwiz-scratch"

PURPOSES: dict[str, Purpose] = {
    "predict": Purpose(
        "runner.predict.entry", MappingProxyType({"ORT_DISABLE_TELEMETRY": "1", **_ONE_THREAD})
    ),
    "torch": Purpose(
        "runner.predict.torch_entry", MappingProxyType(_ONE_THREAD), executable_memory=True
    ),
    "quantize": Purpose(
        "runner.analyses.quantize_cell",
        MappingProxyType({"ORT_DISABLE_TELEMETRY": "1", "TMPDIR": SCRATCH, **_ONE_THREAD}),
        scratch=1 << 30,
    ),
    "preflight": Purpose("runner.predict.preflight_cell", MappingProxyType(_ONE_THREAD)),
    "probe": Purpose("runner.sandbox.probes", MappingProxyType({})),
}
