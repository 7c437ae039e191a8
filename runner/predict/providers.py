"""What the models in a cell compute on."""

CPU = "CPUExecutionProvider"
#: ONNX Runtime's names, best first. None of a GPU yet: a cell is given no device, and what was never
#: measured on one is not promised.
PROVIDERS = (CPU,)
