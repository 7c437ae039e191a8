"""Every command of the catalogue, on every platform, with the same effect and an equivalent reply.

``scenarios`` says for each command how a member uses it; ``worlds`` how that is done on each
platform: through its real client library, over a wire. A command without a scenario fails.
"""
