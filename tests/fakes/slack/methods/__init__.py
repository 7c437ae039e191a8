"""The Web API's methods, by name."""

from . import app, chat, conversations, files, people, views
from .declared import METHODS

__all__ = ["METHODS", "app", "chat", "conversations", "files", "people", "views"]
