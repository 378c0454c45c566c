# pyright: reportArgumentType=false, reportCallIssue=false
# The SDKs take plain dicts where they name types.
"""`whycold.record` with the official SDKs: the same diagnoses as through the proxy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

import whycold
from tests.clients.caching_vendor import asked, caching_vendor, tool
from tests.clients.chat_vendor import chat_vendor
from tests.clients.in_process import comparable, exchanges, kept, settings, told
from tests.clients.test_gemini_sdk import MODEL, Vendor
from tests.clients.test_gemini_sdk import vendor as vendor
from tests.serving import serving
from whycold.errors import UserError
from whycold.frontends import recording

KEY = "sk-planted-0123456789abcdef"
OLD, NEW = tool("look", "Look for a file."), tool("look", "Look for a file, and say where.")
SYSTEM = "You are a careful engineer who explains every step. " * 200
Turn = Callable[[dict[str, Any]], object]


@pytest.fixture(autouse=True)
def apart() -> Generator[None]:
    """Every test has its own recording, as every program has."""
    yield
    recording.close()


def claude(turn: Turn) -> None:
    """Three turns; before the last one a tool is edited."""
    for count, tools in ((1, [OLD]), (2, [OLD]), (3, [NEW])):
        turn(json.loads(asked(["one", "two", "three"][:count], tools)))


def chat(turn: Turn) -> None:
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}]
    for question, day in (("one", 1), ("two", 1), ("three", 2)):
        messages[0] = {"role": "system", "content": f"It is 2026-11-0{day}. {SYSTEM}"}
        messages.append({"role": "user", "content": question})
        turn({"model": "gpt-5.5", "messages": messages})
        messages.append({"role": "assistant", "content": "Yes."})


def through_proxy(
    folder: Path, upstream: str, calls: int, work: Callable[[str], None]
) -> list[dict[str, Any]]:
    folder.mkdir()
    with serving(folder, f"--upstream={upstream}") as serve:
        work(serve.url)
        serve.recorded(calls)
        with serve.store() as store:
            return list(told(store))


def test_anthropic_gives_the_diagnoses_that_the_proxy_gives(tmp_path: Path):
    def work(url: str, file: Path | None = None) -> None:
        client = anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0)
        if file is not None:
            whycold.record(client, config=file)
        claude(lambda body: client.messages.create(**body))

    with caching_vendor() as vendor:
        proxied = through_proxy(tmp_path / "proxy", f"anthropic={vendor.url}", 3, work)
    with caching_vendor() as vendor:
        work(vendor.url, settings(tmp_path, anthropic=vendor.url))
    recording.close()
    found = kept(tmp_path)
    assert [one["cause"] for one in found] == [None, None, "tool-edited"]
    assert comparable(found) == comparable(proxied)


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_gives_the_diagnoses_that_the_proxy_gives(tmp_path: Path, streamed: bool):
    more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}

    def work(url: str, file: Path | None = None) -> None:
        client = openai.OpenAI(api_key=KEY, base_url=url, max_retries=0)
        if file is not None:
            whycold.record(client, config=file)
        ask = client.chat.completions.create
        chat(lambda body: list(ask(**body, **more)) if streamed else ask(**body))

    with chat_vendor() as vendor:
        origin = vendor.url.removesuffix("/v1")
        proxied = through_proxy(
            tmp_path / "proxy", f"openai={origin}", 3, lambda url: work(f"{url}/v1")
        )
    with chat_vendor() as vendor:
        work(vendor.url, settings(tmp_path, openai=vendor.url.removesuffix("/v1")))
    recording.close()
    found = kept(tmp_path)
    assert found[2]["cause"] == "date-rolled-over"
    assert comparable(found) == comparable(proxied)


def test_gemini_gives_the_diagnoses_that_the_proxy_gives(tmp_path: Path, vendor: Vendor):
    url = f"http://127.0.0.1:{vendor.server_port}"

    def work(url: str, file: Path | None = None) -> None:
        options = types.HttpOptions(base_url=url)
        with genai.Client(api_key=KEY, http_options=options) as client:
            if file is not None:
                whycold.record(client, config=file)
            models = client.models
            models.generate_content(model=MODEL, contents="hello")
            list(models.generate_content_stream(model=MODEL, contents="hello"))
            asyncio.run(waiting(client))

    async def waiting(client: genai.Client) -> None:
        async with client.aio as aio:
            await aio.models.generate_content(model=MODEL, contents="hello")

    proxied = through_proxy(tmp_path / "proxy", f"gemini={url}", 3, work)
    work(url, settings(tmp_path, gemini=url))
    recording.close()
    found = kept(tmp_path)
    assert len(found) == 3
    assert comparable(found) == comparable(proxied)


def test_clients_that_wait_are_recorded_whole_and_streamed(tmp_path: Path):
    async def work(url: str, file: Path) -> None:
        async with openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client:
            whycold.record(client, config=file, session="waiting")
            ask = client.chat.completions.create
            body: dict[str, Any] = {
                "model": "gpt-5.5",
                "messages": [{"role": "user", "content": "a"}],
            }
            await asyncio.gather(*(ask(**body) for _ in range(4)))
            with whycold.labels(agent="streamer", session="inner"):
                pieces = await ask(**body, stream=True)
            assert [piece.id async for piece in pieces]

    with chat_vendor() as vendor:
        asyncio.run(work(vendor.url, settings(tmp_path, openai=vendor.url.removesuffix("/v1"))))
    recording.close()
    found = exchanges(tmp_path)
    assert [one.labels.get("session") for one in found] == ["waiting"] * 4 + ["inner"]
    assert found[4].labels["agent"] == "streamer"
    assert found[4].response.content.endswith(b"data: [DONE]\n\n")


def test_no_key_is_written(tmp_path: Path):
    with caching_vendor() as vendor:
        client = anthropic.Anthropic(api_key=KEY, base_url=vendor.url, max_retries=0)
        whycold.record(client, config=settings(tmp_path, anthropic=vendor.url))
        claude(lambda body: client.messages.create(**body))
    recording.close()
    [first, *_] = exchanges(tmp_path)
    assert first.account is not None
    assert "[redacted]" in dict(first.request_headers).values()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_client_that_leads_to_our_own_proxy_is_not_recorded_twice(tmp_path: Path):
    with caching_vendor() as vendor, serving(tmp_path, f"--upstream=anthropic={vendor.url}") as it:
        client = anthropic.Anthropic(api_key=KEY, base_url=it.url, max_retries=0)
        whycold.record(client, config=settings(tmp_path, anthropic=vendor.url))
        claude(lambda body: client.messages.create(**body))
        it.recorded(3)
    recording.close()
    assert exchanges(tmp_path) == []


def test_recording_twice_records_once_with_the_later_labels(tmp_path: Path):
    with caching_vendor() as vendor:
        file = settings(tmp_path, anthropic=vendor.url)
        client = anthropic.Anthropic(api_key=KEY, base_url=vendor.url, max_retries=0)
        whycold.record(client, config=file, session="a")
        whycold.record(client, config=file, session="b", project="shop", release="2.0")
        client.messages.create(**json.loads(asked(["one"], [OLD])))
    recording.close()
    [found] = exchanges(tmp_path)
    assert found.labels == {"session": "b", "project": "shop", "release": "2.0"}


def test_what_is_no_client_is_refused_in_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="a dict has no httpx client"):
        whycold.record({}, config=settings(tmp_path))
