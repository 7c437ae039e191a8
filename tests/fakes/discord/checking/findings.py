"""What is wrong with a request, and Discord's way to say it."""

REQUIRED = ("BASE_TYPE_REQUIRED", "This field is required")


class Findings:
    """Collects findings at paths such as ``("embeds", 0, "title")``."""

    def __init__(self):
        self.found = []
        self.house = []  # what Discord would take and this project does not

    def __bool__(self):
        return bool(self.found)

    def add(self, at, code, message):
        self.found.append((tuple(at), code, message))

    def text(self, at, value, most, *, least=0):
        """Check that something is a text of so many characters, or is left out."""
        if value is None:
            if least:
                self.add(at, *REQUIRED)
        elif not isinstance(value, str):
            self.add(at, "BASE_TYPE_BAD_STRING", f"Not a string: {value!r}")
        elif not least <= len(value) <= most:
            words = f"Must be between {least} and {most} in length; it has {len(value)}."
            self.add(at, "BASE_TYPE_BAD_LENGTH", words)

    def count(self, at, values, most, *, least=0):
        """Check how many there are."""
        if not least <= len(values) <= most:
            words = f"Must be between {least} and {most} in length; it has {len(values)}."
            self.add(at, "BASE_TYPE_BAD_LENGTH", words)

    def number(self, at, value, least, most):
        if value is None:
            return
        if not isinstance(value, int) or not least <= value <= most:
            self.add(at, "NUMBER_TYPE_BAD", f"int value should be from {least} to {most}: {value}")

    def one_of(self, at, value, values):
        if value not in values:
            self.add(at, "BASE_TYPE_CHOICES", f"Value must be one of {values}, not {value!r}.")

    def fields(self, at, given, known, *, needed=()):
        """Check that an object has no field that Discord does not know, and all that it needs."""
        for name in sorted(set(given) - set(known)):
            self.add((*at, name), "FIELD_UNKNOWN", f"Unknown field {name!r}")
        for name in needed:
            if given.get(name) is None:
                self.add((*at, name), *REQUIRED)

    @property
    def tree(self):
        """Give the ``errors`` of Discord's answer."""
        tree = {}
        for at, code, message in self.found:
            node = tree
            for step in at:
                node = node.setdefault(str(step), {})
            node.setdefault("_errors", []).append({"code": code, "message": message})
        return tree

    @property
    def lines(self):
        """Give them one a line, for people."""
        found = [f"{'.'.join(map(str, at))}: {message}" for at, _, message in self.found]
        return [*found, *self.house]
