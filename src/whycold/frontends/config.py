"""What comes from outside: the clock, the environment and the user's file, asked here and nowhere
else.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config_places import CONFIG, config_file, data_folder
from whycold.frontends.config_settings import SETTINGS, Config, Given, built, flattened

__all__ = ["Config", "environment", "load", "now", "unknown_variables"]

_PREFIX = "WHYCOLD_"
_UPSTREAM = "WHYCOLD_UPSTREAM_"
_RECEIVER = "WHYCOLD_RECEIVER_"
_OF_RECEIVER = ("url", "secret")
_COMMAND_LINE = "command line"


def now() -> datetime:
    """The present time, UTC."""
    return datetime.now(UTC)


def environment() -> dict[str, str]:
    """A copy of this process's environment, to be handed on."""
    return dict(os.environ)


def load(options: Mapping[str, Json] | None = None, file: Path | None = None) -> Config:
    """All settings: ``options`` by key go before the environment, that before the file.

    The file is ``file``, or what WHYCOLD_CONFIG names, or whycold.toml here or in the user's
    configuration folder. Options that are None were not given. Raises UserError.
    """
    found = _file(file)
    given = flattened(_read(found), str(found)) if found is not None else {}
    given |= _variables()
    given |= {
        key: Given(value, _COMMAND_LINE)
        for key, value in (options or {}).items()
        if value is not None
    }
    folder = found.parent.absolute() if found is not None else Path.cwd()
    return built(given, Path(data_folder()), folder, found)


def unknown_variables() -> list[str]:
    """Variables that look like settings and are none."""
    known = {_variable(key) for key in SETTINGS if "NAME" not in key} | {CONFIG}
    return sorted(
        name
        for name in os.environ
        if name.startswith(_PREFIX)
        and name not in known
        and not name.startswith((_UPSTREAM, _RECEIVER))
    )


def _file(file: Path | None) -> Path | None:
    named = file.expanduser() if file is not None else config_file()
    return Path(named) if named is not None else None


def _read(file: Path) -> dict[str, Json]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: is not TOML: {error}") from None


def _variables() -> dict[str, Given]:
    given: dict[str, Given] = {}
    for key in SETTINGS:
        name = _variable(key)
        if "NAME" not in key and (value := os.environ.get(name)):
            given[key] = Given(value, name)
    for name, value in os.environ.items():
        if name.startswith(_UPSTREAM) and value:
            upstream = name.removeprefix(_UPSTREAM).lower()
            given[f"upstreams.{upstream}.url"] = Given(value, name)
        receiver, _, what = name.removeprefix(_RECEIVER).lower().rpartition("_")
        if name.startswith(_RECEIVER) and receiver and what in _OF_RECEIVER and value:
            given[f"receivers.{receiver}.{what}"] = Given(value, name)
    return given


def _variable(key: str) -> str:
    return _PREFIX + key.upper().replace(".", "_")
