"""Where the user's files are, by the environment: a part of config.py that costs no imports, for
the status line.
"""

from __future__ import annotations

import os
import sys

from whycold.errors import UserError

__all__ = ["CONFIG", "DATA", "FILE", "STORE", "config_file", "data_folder", "store_url", "variable"]

FILE = "whycold.toml"
CONFIG, DATA, STORE = "WHYCOLD_CONFIG", "WHYCOLD_DATA", "WHYCOLD_STORE"


def variable(name: str) -> str:
    """A variable of the environment; "" when it is not set."""
    return os.environ.get(name, "")


def config_file() -> str | None:
    """The file that WHYCOLD_CONFIG names, or whycold.toml here or in the user's configuration
    folder; None when there is none. Raises UserError.
    """
    if named := variable(CONFIG):
        return os.path.expanduser(named)
    for folder in ("", _folder("XDG_CONFIG_HOME", ".config")):
        if os.path.isfile(os.path.join(folder, FILE)):
            return os.path.join(folder, FILE)
    return None


def data_folder() -> str:
    """The user's folder for what whycold keeps. Raises UserError."""
    return _folder("XDG_DATA_HOME", ".local/share")


def store_url() -> str:
    """The store as the environment and the file of settings say, or the default one.

    As ``config.load().store``, for the settings that it depends on. Raises UserError, OSError, and
    ValueError for a file that is no TOML.
    """
    if url := variable(STORE):
        return url
    data, file, given = variable(DATA), config_file(), {}
    if file is not None:
        import tomllib  # most have no such file, and this is a third of the time

        with open(file, "rb") as opened:
            given = tomllib.load(opened)
    if url := given.get("store"):
        return str(url)
    if data:
        data = os.path.expanduser(data)
    elif file is not None and given.get("data"):
        data = os.path.expanduser(str(given["data"]))
    if data and file is not None:
        data = os.path.join(os.path.dirname(os.path.abspath(file)), data)
    return f"sqlite:///{os.path.join(data or data_folder(), 'whycold.db')}"


def _folder(name: str, below_home: str) -> str:
    """The user's folder for whycold; of a variable that is no absolute path nothing is thought, as
    the XDG Base Directory Specification 0.8 asks."""
    if sys.platform == "win32":
        return os.path.join(variable("LOCALAPPDATA") or _home() + "/AppData/Local", "whycold")
    base = variable(name)
    return os.path.join(base if os.path.isabs(base) else f"{_home()}/{below_home}", "whycold")


def _home() -> str:
    home = os.path.expanduser("~")
    if home == "~":
        raise UserError("this user has no home folder; say where to keep things: --store")
    return home
