"""An ONNX Runtime session as a Net, and its errors in our words."""

from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.predict.net import Outputs
from runner.predict.providers import PROVIDERS

_MEMORY_WORDS = ("alloc", "memory", "bad_array_new_length", "vector::_M_default_append")
_OPERATOR_WORDS = ("No Op registered", "is not a registered function", "support for models stamped")
_FATAL_ONLY = 4


def quiet() -> None:
    """Keep ONNX Runtime from writing to a standard error that nobody reads."""
    ort.set_default_logger_severity(_FATAL_ONLY)


def refusal_of(error: Exception, code: str) -> Refusal:
    """Return a Refusal for what ONNX Runtime raised: E_MEMORY where memory ran out, else ``code``."""
    words = str(error)
    if isinstance(error, MemoryError) or any(mark in words for mark in _MEMORY_WORDS):
        return Refusal("E_MEMORY", got="an allocation that the limit refused")
    if any(mark in words for mark in _OPERATOR_WORDS):
        return Refusal("E_ONNX_OP", got=words)
    return Refusal(code, got=words)


class OnnxNet:
    """A loaded ONNX model that runs on one thread of whoever calls it."""

    def __init__(self, data: bytes, input_name: str) -> None:
        """Load it. Raises Refusal: E_ONNX_BROKEN, E_MEMORY."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(data, options, providers=list(PROVIDERS))
        except Exception as error:  # noqa: BLE001 - its classes are made at run time
            raise refusal_of(error, "E_ONNX_BROKEN") from None
        self._input = input_name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, feed: NDArray[Any]) -> Outputs:
        """Return every output that is an array. Raises Refusal: E_RUN, E_MEMORY."""
        try:
            values = self._session.run(self._outputs, {self._input: feed})
        except Exception as error:  # noqa: BLE001 - its classes are made at run time
            raise refusal_of(error, "E_RUN") from None
        return [
            (name, value)
            for name, value in zip(self._outputs, values, strict=True)
            if isinstance(value, np.ndarray)
        ]

    def run_into(self, output: str, feed: NDArray[Any], into: NDArray[np.float32]) -> None:
        """Write ``output`` to ``into``, which has its shape. Raises Refusal: E_RUN, E_MEMORY."""
        binding = self._session.io_binding()
        binding.bind_input(self._input, "cpu", 0, feed.dtype.type, feed.shape, feed.ctypes.data)
        # The model writes where the answer belongs; nothing is copied afterwards.
        binding.bind_output(output, "cpu", 0, np.float32, into.shape, into.ctypes.data)
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:  # noqa: BLE001 - its classes are made at run time
            raise refusal_of(error, "E_RUN") from None
