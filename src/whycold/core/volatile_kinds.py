"""The kinds of values that change without anyone editing the prompt."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Volatile", "describe", "placeholder"]


class Volatile(StrEnum):
    """Kinds of values that change without anyone editing the prompt.

    - ``time``: a point in time or a duration (ISO, clock, epoch, "3 minutes ago"); a date with a
      time is a time
    - ``date``: a day; a weekday or a year where the text says that it is today's
    - ``uuid``; ``hash``: a digest by its length or its name
    - ``random_id``: request, session and message ids, nonces, seeds, words of a generator
    - ``counter``: a turn, step or progress, or a count of what is unread, left, changed
    - ``token_budget``: tokens or money used or left ("N tokens left")
    - ``path``: an absolute path, or the file or folder that the text names as the current one
    - ``listing``: file names, one per line
    - ``git``: branch, commit or status of a git tree
    - ``attribution``: the ``x-anthropic-billing-header`` line, ``cc_version=``, ``cch=``
    - ``address``: an IP address or a port; ``user``: an e-mail address or a user's name
    - ``model_name``: a model named in the text; ``version``: of a program
    """

    time = "time"
    date = "date"
    uuid = "uuid"
    hash = "hash"
    random_id = "random_id"
    counter = "counter"
    token_budget = "token_budget"
    path = "path"
    listing = "listing"
    git = "git"
    attribution = "attribution"
    address = "address"
    user = "user"
    model_name = "model_name"
    version = "version"


_DESCRIBED = {
    Volatile.time: "a time",
    Volatile.date: "a date",
    Volatile.uuid: "a UUID",
    Volatile.hash: "a hash",
    Volatile.random_id: "a random id",
    Volatile.counter: "a counter",
    Volatile.token_budget: "a token budget",
    Volatile.path: "a path",
    Volatile.listing: "a list of files",
    Volatile.git: "the state of a git tree",
    Volatile.attribution: "an attribution header",
    Volatile.address: "a network address",
    Volatile.user: "the name of a user",
    Volatile.model_name: "the name of a model",
    Volatile.version: "a version number",
}
_PLACEHOLDERS = {kind: f"<{kind.replace('_', ' ')}>" for kind in Volatile} | {
    Volatile.random_id: "<id>",
    Volatile.counter: "<n>",
    Volatile.token_budget: "<n>",
    Volatile.model_name: "<model>",
}


def describe(kind: Volatile) -> str:
    """The kind in words, for "the system prompt holds … that changes"."""
    return _DESCRIBED[kind]


def placeholder(kind: Volatile) -> str:
    """What stands for a value of this kind in a template."""
    return _PLACEHOLDERS[kind]
