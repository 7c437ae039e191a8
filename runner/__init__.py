"""Scores a model. Knows no member, no chat, no database of the community."""

import os

# ONNX Runtime phones home from 1.29 on, and asks this before it does, when it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
