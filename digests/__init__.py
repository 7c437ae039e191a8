"""Items in, words out. No bot, no runner, no SQL. Empty until the digest is built."""
