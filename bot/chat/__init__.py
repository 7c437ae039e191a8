"""Adapters: each maps one chat platform to commands and messages, and does nothing else."""
