"""A llama-server of our own on a loopback port: started, asked, emptied, ended."""

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

__all__ = ["Engine", "EngineFailed", "Exchange", "running"]

# One slot and no store of prompts in RAM: what the slot holds is all that can be reused. One
# thread: two wait for each other in a busy loop, far slower where the cores are not all free.
# Flags: tools/server/README.md of llama.cpp; without --slot-save-path no slot can be erased.
_OPTIONS = shlex.split("""
    --alias tiny --host 127.0.0.1 --port 0 --ctx-size 32768 --parallel 1 --threads 1 --cache-ram 0
    --jinja --no-ui --offline --metrics --slots --temp 0 --seed 1 --no-warmup --fit off
""")
_START_SECONDS = 60
_ANSWER_SECONDS = 60
_ADDRESS = re.compile(r"listening on (http://127\.0\.0\.1:(\d+))")


class EngineFailed(Exception):
    """The server did not start, ended, or refused what a test needs; with the end of its log."""


@dataclass(frozen=True)
class Exchange:
    """One answer.

    ``body`` is as it came, undecoded. ``first_byte`` and ``elapsed`` are seconds from the start of
    the request to the first byte of the body and to its last. Header names are in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    first_byte: float
    elapsed: float

    @cached_property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Engine:
    """A running server. ``base_url`` has no path; ``model`` is the name it answers to."""

    base_url: str
    port: int
    log: Path
    model: str = "tiny"

    def post(self, path: str, body: Mapping[str, Any] | bytes) -> Exchange:
        """Send a body and read the answer to its end; error statuses are returned like others.

        A mapping is sent as JSON in its own key order. A streamed answer (``"stream": true`` in
        the body) comes back as its raw bytes.
        """
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask("POST", path, sent)

    def get(self, path: str) -> Exchange:
        """Read a page such as ``/slots`` or ``/metrics``."""
        return self._ask("GET", path, None)

    def fresh(self) -> "Engine":
        """Forget every prompt, in a millisecond: the next one reuses nothing. Returns itself."""
        self._must("POST", "/slots/0?action=erase", {})
        return self

    def rendered(self) -> tuple[str, str]:
        """The last prompt as the chat template rendered it, and what was generated after it."""
        slot = self._must("GET", "/slots")[0]
        return slot["prompt"], slot["generated"]

    def applied(self, chat_body: Mapping[str, Any]) -> str:
        """What the chat template makes of a chat-completions body, without running it."""
        return self._must("POST", "/apply-template", chat_body)["prompt"]

    def tokens(self, text: str) -> list[int]:
        """The tokens of a rendered prompt."""
        asked = {"content": text, "add_special": True, "parse_special": True}
        return self._must("POST", "/tokenize", asked)["tokens"]

    def metric(self, name: str) -> int:
        """A counter of ``/metrics``, e.g. ``prompt_tokens_cached_total``."""
        page = self.get("/metrics").body.decode()
        found = re.search(rf"^llamacpp:{re.escape(name)} (\S+)$", page, re.MULTILINE)
        if found is None:
            raise EngineFailed(f"llama-server has no metric {name}")
        return int(float(found[1]))

    def _must(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        got = self._ask(method, path, None if body is None else json.dumps(body).encode())
        if got.status != 200:
            raise EngineFailed(f"{method} {path} gave {got.status}: {got.body.decode()[:300]}")
        return got.json

    def _ask(self, method: str, path: str, body: bytes | None) -> Exchange:
        # A connection for each: the server closes one after a streamed answer without saying so.
        link = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        try:
            began = time.perf_counter()
            link.request(method, path, body, {"Content-Type": "application/json"})
            answer = link.getresponse()
            head = answer.read1()
            first_byte = time.perf_counter() - began
            whole = head + answer.read()
            elapsed = time.perf_counter() - began
        except (OSError, HTTPException) as error:
            raise EngineFailed(f"{method} {path}: {error!r}\n{_log_end(self.log)}") from error
        finally:
            link.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Exchange(answer.status, headers, whole, first_byte, elapsed)


@contextlib.contextmanager
def running(
    command: Sequence[str], model: Path, folder: Path, template: Path | None = None
) -> Generator[Engine]:
    """A server with this model, ready to answer; ended on the way out, also by an exception.

    ``command`` runs llama-server, options to follow; ``folder`` takes its log; ``template`` is a
    chat template to use instead of the model's own. Raises ``EngineFailed``.
    """
    log = folder / "llama-server.log"
    slots = folder / "slots"
    slots.mkdir(parents=True)
    options = [*_OPTIONS, "--model", str(model), "--slot-save-path", str(slots)]
    if template is not None:
        options += ["--chat-template-file", str(template)]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*_leash(), "env", "LLAMA_SERVER_SLOTS_DEBUG=1", *command, *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield _ready(process, log)
        finally:
            process.kill()


def _leash() -> list[str]:
    """Lets the server die with a test run that is killed, where util-linux is there to do it."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> Engine:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        said = _ADDRESS.search(log.read_text(errors="replace"))
        if said is not None:
            engine = Engine(said[1], int(said[2]), log)
            if engine.get("/health").status == 200:
                return engine
        time.sleep(0.02)
    raise EngineFailed(f"llama-server did not start\n{_log_end(log)}")


def _log_end(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
