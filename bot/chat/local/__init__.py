"""The chat that needs no account: a page and a JSON API on this machine, and ``bookwiz say``."""
