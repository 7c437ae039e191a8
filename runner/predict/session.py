"""An ONNX Runtime session that gives class scores, and its errors in our words."""

from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from runner.failures import Refusal

_MEMORY_WORDS = ("alloc", "memory", "bad_array_new_length", "vector::_M_default_append")
_FATAL_ONLY = 4


def quiet() -> None:
    """Keep ONNX Runtime from writing to a standard error that nobody reads."""
    ort.set_default_logger_severity(_FATAL_ONLY)


def refusal_of(error: Exception, code: str) -> Refusal:
    """Return a Refusal for what ONNX Runtime raised: E_MEMORY where memory ran out, else ``code``."""
    words = str(error)
    if isinstance(error, MemoryError) or any(mark in words for mark in _MEMORY_WORDS):
        return Refusal("E_MEMORY", got="an allocation that the limit refused")
    return Refusal(code, got=words)


class Net:
    """A loaded model. ``scores`` may be called by several threads at once."""

    def __init__(self, data: bytes, input_name: str, *, classes: int) -> None:
        """Load it with one thread. Raises Refusal: E_ONNX_BROKEN, E_MEMORY."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - its classes are made at run time
            raise refusal_of(error, "E_ONNX_BROKEN") from None
        self._input = input_name
        self.classes = classes
        self._output: str | None = None
        self._bound = False

    def settle_output(self, feed: NDArray[Any], images: int) -> NDArray[Any]:
        """Run once, choose the output [batch, classes], return its first ``images`` rows.

        Raises Refusal (E_OUTPUT_SHAPE) where there is none, E_RUN or E_MEMORY.
        """
        names = [output.name for output in self._session.get_outputs()]
        values = self._run(names, feed)
        seen = []
        for name, value in zip(names, values, strict=True):
            if not isinstance(value, np.ndarray):
                seen.append("a list or map")
                continue
            if value.shape == (len(feed), self.classes) and value.dtype.kind == "f":
                self._output = name
                self._bound = value.dtype == np.float32
                return value[:images].astype(np.float32)
            seen.append(f"{value.dtype} {list(value.shape[:8])}")
        raise Refusal(
            "E_OUTPUT_SHAPE",
            expected=f"[{len(feed)}, {self.classes}], one score per class",
            got=" and ".join(seen[:5]),
        )

    def _run(self, names: list[str], feed: NDArray[Any]) -> list[Any]:
        try:
            return list(self._session.run(names, {self._input: feed}))
        except Exception as error:  # noqa: BLE001 - its classes are made at run time
            raise refusal_of(error, "E_RUN") from None

    def scores(self, feed: NDArray[Any], into: NDArray[np.float32]) -> None:
        """Write the scores of ``feed`` [batch, …] to ``into`` [rows ≤ batch, classes].

        Raises Refusal: E_RUN, E_OUTPUT_SHAPE, E_MEMORY.
        """
        assert self._output is not None
        if not self._bound or len(into) != len(feed):
            value = self._run([self._output], feed)[0]
            if value.shape != (len(feed), self.classes):
                raise Refusal("E_OUTPUT_SHAPE", got=f"{list(value.shape[:8])} for another batch")
            np.copyto(into, value[: len(into)], casting="unsafe")
            return
        binding = self._session.io_binding()
        binding.bind_input(self._input, "cpu", 0, feed.dtype.type, feed.shape, feed.ctypes.data)
        # The model writes where the answer belongs; nothing is copied afterwards.
        binding.bind_output(self._output, "cpu", 0, np.float32, into.shape, into.ctypes.data)
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:  # noqa: BLE001 - its classes are made at run time
            raise refusal_of(error, "E_RUN") from None
