"""The clients: how they are installed, and how they are run without anyone's settings.

They come from npm, by name and version, into ``.cache/clients``. Each run has a home of its own;
what the programs would ask the network for beside the model is switched off.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CLAUDE_CODE",
    "CODEX",
    "OPENCODE",
    "Program",
    "Unavailable",
    "claude_code",
    "codex",
    "install",
    "opencode",
]

FOLDER = Path(__file__).parents[1] / ".cache" / "clients"
MODULES = FOLDER / "node_modules"
PATIENCE = 120.0
"""Seconds after which a client that hangs is ended."""
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
"""What npm calls a network that is not there."""


class Unavailable(Exception):
    """npm or the network is missing; says which in one line."""


@dataclass(frozen=True, slots=True)
class Program:
    """A client: its npm package, and the script that makes it ready, None where none is needed."""

    package: str
    version: str
    command: Path
    prepare: Path | None = None


OPENCODE = Program(
    "opencode-ai",
    "1.18.33",
    MODULES / "opencode-ai" / "bin" / "opencode.exe",
    MODULES / "opencode-ai" / "postinstall.mjs",
)
CLAUDE_CODE = Program(
    "@anthropic-ai/claude-code",
    "2.1.330",
    MODULES / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs",
)
CODEX = Program("@openai/codex", "0.169.0", MODULES / "@openai" / "codex" / "bin" / "codex.js")


def install(program: Program, home: Path) -> None:
    """Put a program into the cache folder, unless it is there. Raises Unavailable."""
    done = MODULES / program.package / f".{program.version}.ready"
    if done.exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = f"{program.package}@{program.version}"
    quiet = (
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--no-package-lock",
        "--fetch-retries=1",
    )
    came = subprocess.run(
        [npm, "install", "--prefix", str(FOLDER), "--ignore-scripts", *quiet, wanted],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if came.returncode != 0 and any(f"code {name}" in came.stderr for name in OFFLINE):
        raise Unavailable(f"npm cannot reach its registry for {wanted}")
    assert came.returncode == 0, came.stderr
    if program.prepare is not None:
        # Starts the program once to see that it runs, which leaves files in its home.
        subprocess.run(["node", str(program.prepare)], env=_clean(home), check=True)
    done.touch()


def opencode(
    project: Path, home: Path, settings: Mapping[str, object], outside: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """``opencode run`` in a project, to its end; ``outside`` is the proxy to other machines."""
    _spare_plugin(home / ".config" / "opencode")
    environment = _clean(home, outside) | {
        "OPENCODE_CONFIG_CONTENT": json.dumps(settings),
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_SHARE": "1",
    }
    return _run([str(OPENCODE.command), "run", *arguments], project, environment)


def _spare_plugin(folder: Path) -> None:
    """A folder of settings that looks as if the library for plugins were installed there: opencode
    would fetch it at every start, and there is no setting against that (1.18.33, its program text).
    """
    (folder / "node_modules").mkdir(parents=True, exist_ok=True)
    lock = {"packages": {"": {"dependencies": {"@opencode-ai/plugin": OPENCODE.version}}}}
    (folder / "package-lock.json").write_text(json.dumps(lock))


def codex(
    project: Path, home: Path, settings: str, outside: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """``codex exec`` in a project, to its end; ``settings`` is its config.toml."""
    folder = home / ".codex"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(settings)
    environment = _clean(home, outside) | {"CODEX_HOME": str(folder), "OPENAI_API_KEY": "none"}
    return _run(["node", str(CODEX.command), "exec", *arguments], project, environment)


def claude_code(
    project: Path, home: Path, url: str, bodies: Path, outside: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """``claude -p`` in a project, to its end; it writes whole requests into ``bodies``."""
    environment = _clean(home, outside) | {
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "OTEL_LOG_RAW_API_BODIES": f"file:{bodies}",
    }
    return _run(["node", str(CLAUDE_CODE.command), "-p", *arguments], project, environment)


def _run(
    command: list[str], project: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def _clean(home: Path, outside: str | None = None) -> dict[str, str]:
    """An environment with a home of its own and nothing else but where programs are."""
    path = os.environ["PATH"]  # noqa: TID251
    kept = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb"}
    if outside is not None:
        local = "127.0.0.1,localhost"
        kept |= {"HTTPS_PROXY": outside, "HTTP_PROXY": outside, "NO_PROXY": local}
        kept |= {name.lower(): value for name, value in kept.items() if name.endswith("_PROXY")}
    return kept
