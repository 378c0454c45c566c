"""``whycold serve``: the recording proxy, the recorder and the JSON API, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from whycold import __version__
from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import Config, load
from whycold.frontends.serve_state import Running, ServeState
from whycold.frontends.supervisor import supervise

__all__ = ["serve", "upstream_options"]

_TOKEN_BYTES: Final = 24
_BACKLOG: Final = 128


@click.command()
@click.option("--port", metavar="N", help="Port of the recording proxy (4141; 0: a free one).")
@click.option("--dashboard-port", metavar="N", help="Port of the dashboard and its API (4142).")
@click.option("--host", metavar="ADDRESS", help="Address to listen on (127.0.0.1).")
@click.option(
    "--upstream",
    "upstreams",
    metavar="NAME=URL",
    multiple=True,
    help="Where calls go: anthropic, openai, gemini, or a name of your own for /to/NAME/….",
)
@click.option("--store", metavar="URL", help="Where calls are kept.")
@click.option("--capture", metavar="MODE", help="How much is kept: full, hash, usage or none.")
@click.option("--allow-remote", is_flag=True, default=None, help="Allow a --host others can reach.")
@click.option("--config", "file", metavar="FILE", type=click.Path(path_type=Path), help="Settings.")
@click.option("--leashed", is_flag=True, hidden=True)
def serve(
    port: str | None,
    dashboard_port: str | None,
    host: str | None,
    upstreams: tuple[str, ...],
    store: str | None,
    capture: str | None,
    allow_remote: bool | None,
    file: Path | None,
    leashed: bool,
) -> None:
    """Stand between clients and providers, and record what the cache does.

    \b
    Point a client at it, and it goes on as before:
      ANTHROPIC_BASE_URL=http://127.0.0.1:4141 claude
      OPENAI_BASE_URL=http://127.0.0.1:4141/v1 python app.py
    In front of a server of your own:
      whycold serve --upstream anthropic=http://127.0.0.1:8080

    Ends with SIGTERM or Ctrl-C: calls under way may finish, what is on the spool is still kept.
    """
    options: dict[str, Json] = {
        "port": port,
        "dashboard_port": dashboard_port,
        "host": host,
        "store": store,
        "capture": capture,
        "allow_remote": allow_remote,
        **upstream_options(upstreams),
    }
    config = load(options, file)
    if sys.platform == "win32":
        raise UserError("whycold serve needs Linux or macOS; on Windows run it in WSL")
    logging.basicConfig(stream=sys.stderr, format="whycold: %(message)s")
    token = _token(config) if _is_remote(config) else None
    state = ServeState(config.state_file)
    state.take()
    try:
        with _listening(config) as listening:

            def ready(running: Running) -> None:
                if leashed:
                    _answer_leash(running)
                else:
                    _greet(config, running, token)

            leash = sys.stdin.fileno() if leashed else None
            asyncio.run(supervise(config, state, listening, ready, token=token, leash=leash))
    finally:
        state.release()


def upstream_options(upstreams: tuple[str, ...]) -> dict[str, Json]:
    """``NAME=URL`` as settings. Raises UserError."""
    out: dict[str, Json] = {}
    for pair in upstreams:
        name, equals, url = pair.partition("=")
        if not equals or not name or not url:
            raise UserError(f"--upstream {pair!r}: say NAME=URL, as in anthropic=http://127.0.0.1")
        out[f"upstreams.{name}.url"] = url
    return out


def _is_remote(config: Config) -> bool:
    """Whether other machines may reach it. Raises UserError when that is not allowed."""
    if _is_loopback(config.host):
        return False
    if not config.allow_remote:
        raise UserError(
            f"{config.host} can be reached by other machines, which could read every prompt; "
            "use --host 127.0.0.1, or say --allow-remote (the dashboard then asks for a token)"
        )
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(config: Config) -> str:
    """The configured token, or one of the store's own, made at the first start."""
    if config.token is not None:
        return config.token
    path = config.beside.with_name(f"{config.beside.name}.token")
    with contextlib.suppress(OSError):
        if token := path.read_text("ascii").strip():
            return token
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); set a token yourself") from None
    return token


def _listening(config: Config) -> socket.socket:
    """The dashboard's socket, which outlives the process that answers on it."""
    host, port = config.host, config.dashboard_port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(_BACKLOG)
        except OSError:
            made.close()
            raise
    except OSError as error:
        why = "another program is there" if error.errno == errno.EADDRINUSE else error.strerror
        raise UserError(
            f"cannot listen on {host}:{port} for the dashboard: {why}; --dashboard-port takes "
            "another one"
        ) from None
    return made


def _greet(config: Config, running: Running, token: str | None) -> None:
    shown = f"/?token={token}" if token else ""
    lines = [
        f"whycold {__version__} records into {config.store}",
        f"  proxy      {running.proxy}",
        f"  dashboard  {running.dashboard}{shown}",
        f"point a client at it: ANTHROPIC_BASE_URL={running.proxy} claude, or "
        f"OPENAI_BASE_URL={running.proxy}/v1; or let whycold run -- PROGRAM do it",
    ]
    # Whoever started this may have gone; the recording goes on.
    with contextlib.suppress(BrokenPipeError):
        click.echo("\n".join(lines))
        sys.stdout.flush()


def _answer_leash(running: Running) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(running) + b"\n")
    sys.stdout.buffer.flush()
