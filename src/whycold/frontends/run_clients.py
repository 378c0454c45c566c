"""How programs are told where to send their calls: by variables, and some of them otherwise."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Final
from urllib.parse import urlsplit

__all__ = ["BASE_URLS", "arguments", "environment", "former_upstreams"]

BASE_URLS: Final[Mapping[str, tuple[str, str]]] = {
    "ANTHROPIC_BASE_URL": ("anthropic", ""),
    "OPENAI_BASE_URL": ("openai", "/v1"),
    "OPENAI_API_BASE": ("openai", "/v1"),
    "GOOGLE_GEMINI_BASE_URL": ("gemini", ""),
}
"""Variables that clients read their address from: whose, and what stands behind it. Read by
anthropic 2.8.0, openai 3.51.0 and 0.28, google-genai, and the programs built on them."""

_HEADERS: Final = ("ANTHROPIC_CUSTOM_HEADERS", "OPENAI_CUSTOM_HEADERS")
"""Lines of ``Name: value`` that anthropic 2.8.0, openai 3.51.0 and Claude Code send along."""

_SETTINGS: Final = "--settings"
_CLAUDE_COMMANDS: Final = frozenset(
    {"agents", "auth", "config", "doctor", "install", "mcp", "plugin", "setup-token", "update"}
)
"""Words behind ``claude`` that start no conversation."""
_OPENCODE: Final = "OPENCODE_CONFIG_CONTENT"


def environment(
    own: Mapping[str, str], url: str, program: str, labels: Mapping[str, str]
) -> dict[str, str]:
    """The environment of a program whose calls shall go to ``url``, from the own one.

    ``labels`` are sent along as ``x-whycold-`` headers where the program's SDK lets them.
    """
    out = dict(own) | {name: f"{url}{behind}" for name, (_, behind) in BASE_URLS.items()}
    lines = [f"x-whycold-{name}: {value}" for name, value in labels.items()]
    for name in _HEADERS if lines else ():
        out[name] = "\n".join([*filter(None, [own.get(name)]), *lines])
    host = urlsplit(url).hostname or ""
    for name in ("NO_PROXY", "no_proxy"):
        # A call to this machine must not go through the proxy for the rest of the world.
        out[name] = ",".join(filter(None, [own.get(name), host]))
    if _name(program) == "opencode" and _OPENCODE not in own:
        # opencode.ai/docs/config: the last of the places that are merged
        out[_OPENCODE] = _opencode(url)
    return out


def arguments(command: Sequence[str], url: str, env: Mapping[str, str]) -> list[str]:
    """The command, with the address among its arguments where a program's own settings would go
    before the environment.
    """
    program, *rest = command
    match _name(program):
        case "claude" if not _has(rest, _SETTINGS) and not _CLAUDE_COMMANDS.intersection(rest[:1]):
            # code.claude.com/docs/en/settings: the env of settings files goes before the shell's,
            # and what the command line gives before that of the files
            given = {n: env[n] for n in ("ANTHROPIC_BASE_URL", _HEADERS[0]) if n in env}
            return [program, _SETTINGS, json.dumps({"env": given}), *rest]
        case "codex":
            return [program, *_codex(url), *rest]
        case _:
            return list(command)


def former_upstreams(
    own: Mapping[str, str], configured: Collection[str], port: int
) -> dict[str, str]:
    """Where the program's calls would have gone, by upstream, so that they still get there: the
    addresses in the environment, but for upstreams that are ``configured`` otherwise.

    ``port`` is the usual one of ``serve``: what leads there is no upstream.
    """
    out: dict[str, str] = {}
    for name, (upstream, _) in BASE_URLS.items():
        address = own.get(name, "").rstrip("/")
        if not address or f"upstreams.{upstream}.url" in configured:
            continue
        if urlsplit(address).netloc not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            out.setdefault(upstream, address)
    return out


def _name(program: str) -> str:
    return PurePath(program).name.removesuffix(".exe")


def _has(arguments: Sequence[str], option: str) -> bool:
    return any(a == option or a.startswith(f"{option}=") for a in arguments)


def _codex(url: str) -> list[str]:
    """A provider of its own (Codex CLI 0.169.0): with its usual one, whose address
    ``openai_base_url`` sets, Codex first asks for a WebSocket, which passes by unrecorded.
    """
    provider = f'name = "OpenAI", base_url = "{url}/v1", wire_api = "responses"'
    return [
        *("-c", 'model_provider="whycold"'),
        *("-c", f"model_providers.whycold={{{provider}, requires_openai_auth = true}}"),
    ]


def _opencode(url: str) -> str:
    options = {"options": {"baseURL": f"{url}/v1"}}
    google = {"options": {"baseURL": f"{url}/v1beta"}}
    return json.dumps({"provider": {"anthropic": options, "openai": options, "google": google}})
