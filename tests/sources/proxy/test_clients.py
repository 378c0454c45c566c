# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false, reportOptionalSubscript=false
# The SDKs type an answer as a union of everything that any answer may hold.
"""Programs that people use, through the proxy: curl and the official SDKs, unchanged."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from tests.clients.both_ends import AsyncWatched, Ends, Watched
from tests.sources.conftest import Start
from tests.sources.proxy.vendor import WORDS, Vendor
from tests.sources.wire import PATIENCE, RunningProxy, Wire, chunked, config, upstream
from whycold.sources.spool_record import Exchange

ANSWER = "".join(WORDS)
TOOL = {"name": "look", "description": "d", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join(PATIENCE)
    server.server_close()


@pytest.fixture
def proxy(vendor: Vendor, start_on_each_loop: Start, tmp_path: Path) -> RunningProxy:
    return start_on_each_loop(config(vendor.url, tmp_path))


@pytest.fixture
def ends() -> Ends:
    return Ends()


def anthropic_client(
    proxy: RunningProxy, retries: int = 0, ends: Ends | None = None
) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        http_client=anthropic.DefaultHttpxClient(transport=Watched(ends or Ends())),
        api_key="sk-ant-api03-plant",
        base_url=proxy.url,
        max_retries=retries,
        default_headers={"x-whycold-project": "p"},
    )


def openai_client(proxy: RunningProxy, retries: int = 0, ends: Ends | None = None) -> openai.OpenAI:
    return openai.OpenAI(
        http_client=openai.DefaultHttpxClient(transport=Watched(ends or Ends())),
        api_key="sk-proj-plant",
        base_url=f"{proxy.url}/v1",
        max_retries=retries,
    )


def checked(proxy: RunningProxy, vendor: Vendor, ends: Ends) -> list[Exchange]:
    """What was recorded, which must be what the client sent and got and what the vendor saw and
    said, byte for byte."""
    assert (ends.sent, ends.got) == (vendor.received, vendor.replied)
    exchanges = proxy.recorded()
    digests = [
        (sha(exchange.request.content), sha(exchange.response.content)) for exchange in exchanges
    ]
    assert digests == list(zip(vendor.received, vendor.replied, strict=True))
    assert not any(name.startswith("x-whycold-p") for head in vendor.headers for name in head)
    assert all(exchange.account for exchange in exchanges)
    stored = b"".join(path.read_bytes() for path in Path(proxy.config.spool.folder).glob("*.seg"))
    assert b"plant" not in stored
    return exchanges


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_anthropic_sdk(proxy: RunningProxy, vendor: Vendor, ends: Ends):
    with anthropic_client(proxy, ends=ends) as client:
        for _ in range(3):
            message = client.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
            )
            assert message.content[0].text == ANSWER
            assert message.usage.cache_read_input_tokens == 7
        called = client.messages.create(
            model="m", max_tokens=9, tools=[TOOL], messages=[{"role": "user", "content": "tool"}]
        )
        assert called.content[0].input == {"at": "x"}
        with client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
        ) as stream:
            assert list(stream.text_stream) == WORDS
    exchanges = checked(proxy, vendor, ends)
    assert len(exchanges) == 5
    assert {exchange.labels["project"] for exchange in exchanges} == {"p"}
    assert exchanges[4].response.chunked


def test_the_anthropic_sdk_without_waiting(proxy: RunningProxy, vendor: Vendor, ends: Ends):
    async def ask(client: anthropic.AsyncAnthropic, number: int) -> str:
        content = f"hello {number}"
        async with client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": content}]
        ) as stream:
            return "".join([text async for text in stream.text_stream])

    async def ask_all() -> list[str]:
        http = anthropic.DefaultAsyncHttpxClient(transport=AsyncWatched(ends))
        async with anthropic.AsyncAnthropic(
            api_key="k", base_url=proxy.url, max_retries=0, http_client=http
        ) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(20)))

    assert asyncio.run(ask_all()) == [ANSWER] * 20
    exchanges = proxy.recorded()
    assert sorted(sha(e.request.content) for e in exchanges) == sorted(vendor.received)
    assert sorted(ends.sent) == sorted(vendor.received)
    assert sorted(ends.got) == sorted(vendor.replied)


def test_errors_and_retries_of_the_anthropic_sdk(proxy: RunningProxy, vendor: Vendor, ends: Ends):
    def ask(client: anthropic.Anthropic, wish: str) -> anthropic.types.Message:
        return client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": wish}]
        )

    with anthropic_client(proxy, ends=ends) as client:
        with pytest.raises(anthropic.BadRequestError) as error:
            ask(client, "fail 400")
        assert error.value.body == {
            "type": "error",
            "error": {"type": "wish", "message": "fail 400"},
        }
        with pytest.raises(anthropic.InternalServerError):
            ask(client, "fail 529")
    with anthropic_client(proxy, 2, ends) as client:
        assert ask(client, "busy").content[0].text == ANSWER
    assert [exchange.status for exchange in checked(proxy, vendor, ends)] == [400, 529, 529, 200]


def test_the_openai_sdk(proxy: RunningProxy, vendor: Vendor, ends: Ends):
    with openai_client(proxy, ends=ends) as client:
        done = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}]
        )
        assert done.choices[0].message.content == ANSWER
        called = client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "tool"}],
            tools=[{"type": "function", "function": {"name": "look", "parameters": {}}}],
        )
        assert called.choices[0].message.tool_calls[0].function.name == "look"
        chunks = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        assert [chunk.choices[0].delta.content for chunk in chunks] == WORDS
        assert client.responses.create(model="m", input="hello").output_text == ANSWER
        events = client.responses.create(model="m", input="hello", stream=True)
        assert [e.delta for e in events if e.type == "response.output_text.delta"] == WORDS
        with pytest.raises(openai.RateLimitError):
            client.responses.create(model="m", input="fail 429")
    targets = [exchange.target for exchange in checked(proxy, vendor, ends)]
    assert targets == ["/v1/chat/completions"] * 3 + ["/v1/responses"] * 3


def test_errors_and_retries_of_the_openai_sdk(proxy: RunningProxy, vendor: Vendor, ends: Ends):
    def ask(client: openai.OpenAI, wish: str) -> str | None:
        done = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": wish}]
        )
        return done.choices[0].message.content

    with openai_client(proxy, ends=ends) as client:
        with pytest.raises(openai.BadRequestError) as error:
            ask(client, "fail 400")
        assert error.value.body == {"type": "wish", "message": "fail 400"}
        with pytest.raises(openai.InternalServerError):
            ask(client, "fail 503")
    with openai_client(proxy, 2, ends) as client:
        assert ask(client, "busy") == ANSWER
    assert [exchange.status for exchange in checked(proxy, vendor, ends)] == [400, 503, 529, 200]


def test_the_openai_sdk_without_waiting(proxy: RunningProxy, vendor: Vendor, ends: Ends):
    async def ask(client: openai.AsyncOpenAI) -> str:
        chunks = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    async def ask_all() -> list[str]:
        url = f"{proxy.url}/v1"
        http = openai.DefaultAsyncHttpxClient(transport=AsyncWatched(ends))
        async with openai.AsyncOpenAI(
            api_key="k", base_url=url, max_retries=0, http_client=http
        ) as client:
            return await asyncio.gather(*(ask(client) for _ in range(20)))

    assert asyncio.run(ask_all()) == [ANSWER] * 20
    assert len(proxy.recorded()) == len(vendor.received) == 20
    assert (sorted(ends.sent), sorted(ends.got)) == (
        sorted(vendor.received),
        sorted(vendor.replied),
    )


def test_a_stream_that_an_sdk_gives_up_ends(proxy: RunningProxy, vendor: Vendor):
    with anthropic_client(proxy) as client:
        for _ in range(5):
            with client.messages.stream(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
            ) as stream:
                assert next(iter(stream.text_stream)) == WORDS[0]
        assert client.models.list().data[0].id == "m"
    proxy.until(lambda stats: stats["clients"] == 0)


def test_an_sdk_shows_what_the_proxy_says(start: Start):
    proxy = start(config("http://127.0.0.1:1"))
    with (
        anthropic_client(proxy) as client,
        pytest.raises(anthropic.InternalServerError, match="upstream anthropic") as error,
    ):
        client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
        )
    assert error.value.response.headers["x-whycold-error"] == "upstream_unreachable"
    with openai_client(proxy) as client, pytest.raises(openai.InternalServerError) as other:
        client.responses.create(model="m", input="hello")
    assert "upstream openai" in other.value.message


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize(
    "options",
    [[], ["--http1.0"], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]],
    ids=["plain", "1.0", "chunked", "expect"],
)
def test_curl(options: list[str], start_on_each_loop: Start, tmp_path: Path):
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(os.urandom(3_000_000))
    bodies: list[bytes] = []
    reply = os.urandom(2_000_000)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with upstream(
        [lambda wire: bodies.append(wire.message()[1]), head + chunked(reply), Wire.closed]
    ) as server:
        proxy = start_on_each_loop(config(server, tmp_path / "spool"))
        command = ["curl", "-sS", "-f", "--max-time", "30", "-o", str(got), *options]
        command += ["--data-binary", f"@{sent}", f"{proxy.url}/v1/messages"]
        subprocess.run(command, check=True, timeout=PATIENCE)
    assert sha(got.read_bytes()) == sha(reply)
    [exchange] = proxy.recorded()
    assert sha(exchange.request.content) == sha(sent.read_bytes())
    assert sha(exchange.response.content) == sha(reply)
    assert exchange.cut is None
