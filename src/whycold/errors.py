"""What a user is told in one line; any other exception is a bug and keeps its traceback."""

__all__ = ["UserError"]


class UserError(Exception):
    """A mistake the user can mend: one line that says what is wrong and what to do; exit code 2."""
