"""The HTTP server: health, metrics, and the pages of whoever has some."""
