"""The ``serve`` behind ``whycold run``: the one that runs, or one for the time of a program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from whycold.errors import UserError
from whycold.frontends.config_settings import Config
from whycold.frontends.serve_state import Running

__all__ = ["started"]

_END_S: Final = 60.0
_LOG_MODE: Final = 0o600


@contextmanager
def started(
    config: Config, options: Mapping[str, str], upstreams: Mapping[str, str]
) -> Generator[Running]:
    """A ``serve`` on free ports, with the command line's ``options``, for the time of a ``with``.

    It ends when all is in the store. ``upstreams`` go before those that are configured. Its log is
    beside the store, for the terminal belongs to the program. Raises UserError.
    """
    log = config.beside.with_name(f"{config.beside.name}.serve.log")
    command = [sys.executable, "-P", "-m", "whycold", "serve", "--leashed"]
    command += ["--port", "0", "--dashboard-port", "0", "--store", config.store]
    command += [f"{name}={value}" for name, value in options.items()]
    command += [f"--upstream={name}={url}" for name, url in upstreams.items()]
    with _opened(log) as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield _ready(process, log)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(config.drain.total_seconds() + _END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def _opened(log: Path) -> Generator[int]:
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _LOG_MODE)
    except OSError as error:
        raise UserError(f"cannot write {log} ({error.strerror}); choose a --store") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _ready(process: subprocess.Popen[bytes], log: Path) -> Running:
    assert process.stdout is not None
    line = process.stdout.readline()
    if line:
        return msgspec.json.decode(line, type=Running)
    process.wait()
    said = log.read_text(errors="replace").strip().splitlines()
    raise UserError(said[-1].removeprefix("whycold: ") if said else f"serve did not start: {log}")
