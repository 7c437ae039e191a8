"""What Discord answers to what cannot be done."""


class Refused(Exception):  # noqa: N818 - a refusal, as Discord words it
    """Discord's answer to what cannot be done: HTTP status, code, words, maybe a tree of errors."""

    def __init__(self, status, code, message, errors=None):
        super().__init__(message)
        self.status, self.code = status, code
        self.answer = {"message": message, "code": code}
        if errors:
            self.answer["errors"] = errors


def unknown(what, code):
    """Give the refusal for something that is not there."""
    return Refused(404, code, f"Unknown {what}")


MISSING_ACCESS = (403, 50001, "Missing Access")
MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")
