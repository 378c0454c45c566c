"""What real instrumentations of real SDKs send with their own exporters becomes calls: a tool's
description is edited before the third turn, and that is told.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.caching_vendor import caching_vendor
from tests.clients.chat_vendor import chat_vendor
from tests.serving import PATIENCE, Serve, eventually, own_environment, serving
from whycold.store.answers import Filters

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("instrumented.py")
CONTENT = {
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "PYTHONPATH": os.pathsep.join(sys.path),
}
ANTHROPIC = {
    "anthropic": None,
    "opentelemetry.instrumentation.anthropic": None,
    "opentelemetry.instrumentation.anthropic:events": None,
    "openinference.instrumentation.anthropic": None,
    "opentelemetry.instrumentation.genai.anthropic": "SPAN_ONLY",
    "opentelemetry.instrumentation.genai.anthropic:": "EVENT_ONLY",
}
OPENAI = {
    "opentelemetry.instrumentation.openai": None,
    "openinference.instrumentation.openai": None,
    "opentelemetry.instrumentation.genai.openai": "SPAN_ONLY",
    "opentelemetry.instrumentation.genai.openai:": "EVENT_ONLY",
}
PROTOCOLS = ("proto", "json")


def run(name: str, content: str | None, protocol: str, serve: Serve, upstream: str) -> None:
    """The program, to its end."""
    more = CONTENT | {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": content or "true"}
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), name, protocol, serve.dashboard, upstream],
        env=own_environment(serve.folder, more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, "Failed to export" in ended.stderr) == (0, False), ended.stderr


def told(serve: Serve, cause: str) -> list[dict[str, Any]]:
    """All calls with their diagnoses, in order, once all that is told of the last has come."""
    serve.recorded(3)

    def look() -> list[dict[str, Any]]:
        with serve.store() as store:
            kept = [one.told.call for one in store.calls(Filters()).items]
        return [serve.get(f"/api/v1/calls/{call}")[1] for call in reversed(kept)]

    return eventually(look, lambda calls: calls[-1]["cause"] == cause)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("name", "content"), ANTHROPIC.items(), ids=ANTHROPIC)
def test_claude(tmp_path: Path, name: str, content: str | None, protocol: str):
    with caching_vendor() as vendor, serving(tmp_path) as serve:
        run(name, content, protocol, serve, vendor.url)
        own = name == "anthropic"
        calls = told(serve, "unseen-change" if own else "tool-edited")
        counted = [call["usage"] for call in calls]
        assert [usage["cache_read"] for usage in counted] == [
            usage["cache_read_input_tokens"] for usage in vendor.usages
        ]
        assert [usage["cache_write"] for usage in counted] == [
            usage["cache_creation_input_tokens"] for usage in vendor.usages
        ]
        assert [call["verdict"] for call in calls] == ["first", "hit", "miss"]
        last = calls[-1]
        assert (last["project"], last["release"]) == ("shop", "1.4.2")
        assert last["provider"] == "anthropic"
        if not name.endswith(":events"):
            assert (last["model"], last["message_id"]) == ("claude-sonnet-5", "msg_0003")
        if own:
            assert "tools" in last["summary"]
        else:
            assert last["divergences"][0]["path"] == "tools[look].description"
            assert last["missed_tokens"] == sum(
                counted[1][k] for k in ("cache_read", "cache_write")
            )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("name", "content"), OPENAI.items(), ids=OPENAI)
def test_gpt(tmp_path: Path, name: str, content: str | None, protocol: str):
    with chat_vendor() as vendor, serving(tmp_path) as serve:
        run(name, content, protocol, serve, vendor.url)
        calls = told(serve, "tool-edited")
        assert [call["usage"]["input"] for call in calls] == [
            usage["prompt_tokens"] for usage in vendor.usages
        ]
        assert (
            calls[1]["usage"]["cache_read"]
            == (vendor.usages[1]["prompt_tokens_details"]["cached_tokens"])
        )
        last = calls[-1]
        assert (last["model"], last["message_id"]) == ("gpt-5.1", "chatcmpl-0003")
        assert last["divergences"][0]["path"] == "tools[look].description"
