"""LiteLLM's proxy as a contender, where its program is named: it is no part of whycold."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.proxy_parts import Contender, answers, children, free_port

SETTINGS = """
model_list:
  - model_name: claude-sonnet-5
    litellm_params:
      model: anthropic/claude-sonnet-5
      api_base: http://127.0.0.1:{upstream}
      api_key: none
"""
_PATIENCE = 6000
"""Looks at its port, 20 ms apart, until it is taken for broken: it imports for long."""


@contextlib.contextmanager
def start_litellm(folder: Path, program: str, upstream: int) -> Iterator[list[Contender]]:
    """One proxy under its two paths: what is passed through as it is, and what it understands."""
    config = folder / "litellm.yaml"
    config.write_text(SETTINGS.format(upstream=upstream))
    port = free_port()
    environment = os.environ | {
        "ANTHROPIC_API_BASE": f"http://127.0.0.1:{upstream}",
        "ANTHROPIC_API_KEY": "none",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        # loopback only, and the load client's key is no key of its own
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    command = ["taskset", "-c", "0", program, "--config", str(config), "--port", str(port)]
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        answers(port, _PATIENCE)
        processes = [process.pid, *children(process.pid)]
        yield [
            Contender("LiteLLM, passing through", port, processes, path="/anthropic/v1/messages"),
            Contender("LiteLLM, messages", port, processes),
        ]
    finally:
        process.terminate()
        process.wait()
