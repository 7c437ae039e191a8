"""``bookwiz export``: a member's PyTorch module, on their own machine, to ONNX that a benchmark takes.

Never part of an evaluation: the module's own code runs here, as it does when its member trains it.
"""
