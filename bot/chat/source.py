"""Our own markdown as every adapter reads it."""

from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
# It would take the digits and colons of "when:…" for a host and its port.
MARKDOWN.normalizeLink = str  # type: ignore[assignment,method-assign]
