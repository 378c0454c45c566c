"""The pytest plugin in a real run of pytest, with the official SDKs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.clients.caching_vendor import caching_vendor
from tests.clients.chat_vendor import chat_vendor
from tests.serving import PATIENCE, own_environment

ANTHROPIC = """
import anthropic, json, time

RULES = " ".join(f"Rule {n}: answer in one plain sentence." for n in range(400))

def agent(client, clock):
    said = []
    for question in ("one", "two", "three"):
        now = f"It is {time.time()} now. " if clock else ""
        text = {"type": "text", "text": question}
        mark = {"cache_control": {"type": "ephemeral"}}
        reply = client.messages.create(
            model="claude-sonnet-5", max_tokens=64,
            system=[{"type": "text", "text": "You are brief. " + now + RULES, **mark}],
            messages=[*said, {"role": "user", "content": [text | mark]}],
        )
        answer = {"type": "text", "text": reply.content[0].text}
        said += [{"role": "user", "content": [text]}, {"role": "assistant", "content": [answer]}]

def test_stable(whycold_calls):
    client = whycold_calls.record(anthropic.Anthropic(api_key="none", base_url=URL))
    agent(client, clock=False)
    whycold_calls.assert_prefix_stable()

def test_with_a_clock(whycold_calls):
    client = whycold_calls.record(anthropic.Anthropic(api_key="none", base_url=URL))
    agent(client, clock=True)
    whycold_calls.assert_prefix_stable()
"""
OPENAI = """
import httpx2, openai, time
from whycold.frontends.pytest_plugin import assert_prefix_stable

def agent(client, clock, stream=False):
    said = [{"role": "system", "content": "You are brief."}]
    for question in ("one", "two", "three"):
        at = f"2026-11-23 {len(said):02}:{time.strftime('%M:%S')}"
        now = f" It is {at}." if clock else ""
        said[0] = {"role": "system", "content": "You are brief." + now + " Use metric units."}
        said.append({"role": "user", "content": question})
        reply = client.chat.completions.create(model="gpt-5.5", messages=said, stream=stream)
        if stream:
            list(reply)
        said.append({"role": "assistant", "content": "Yes."})

def fake(request):
    message = {"role": "assistant", "content": "Yes."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return httpx2.Response(200, json={"id": "c", "object": "chat.completion", "created": 1,
                                      "model": "gpt-5.5", "choices": [choice]})

def faked(**more):
    return openai.OpenAI(api_key="none", base_url="http://fake.example/v1", max_retries=0, **more)

def test_stable_and_streamed(whycold_calls):
    client = whycold_calls.record(openai.OpenAI(api_key="none", base_url=URL))
    agent(client, clock=False, stream=True)
    assert len(whycold_calls) == 3
    assert_prefix_stable(whycold_calls)

def test_clock_through_the_local_address(whycold_calls):
    origin = URL.removesuffix("/v1")
    client = openai.OpenAI(api_key="none", base_url=whycold_calls.base_url(origin) + "/v1")
    agent(client, clock=True)
    assert_prefix_stable(whycold_calls)

def test_clock_against_a_fake_transport(whycold_calls):
    http = httpx2.Client(transport=httpx2.MockTransport(fake))
    agent(whycold_calls.record(faked(http_client=http)), clock=True)
    assert_prefix_stable(whycold_calls)

def test_clock_in_a_transport_of_the_fixture(whycold_calls):
    http = httpx2.Client(transport=whycold_calls.transport(httpx2.MockTransport(fake)))
    agent(faked(http_client=http), clock=True)
    assert_prefix_stable(whycold_calls)

def test_stable_against_a_fake_transport(whycold_calls):
    http = httpx2.Client(transport=httpx2.MockTransport(fake))
    agent(whycold_calls.record(faked(http_client=http)), clock=False)
    assert_prefix_stable(whycold_calls)

def test_clock_that_is_allowed(whycold_calls):
    http = httpx2.Client(transport=httpx2.MockTransport(fake))
    agent(whycold_calls.record(faked(http_client=http)), clock=True)
    assert_prefix_stable(whycold_calls, allow=("clock",))

def ask_anew(client, clock):
    for n in range(3):
        now = f" It is 10:0{n}:01." if clock else ""
        system = {"role": "system", "content": "You are brief." + now + " Use metric units."}
        said = [system, {"role": "user", "content": f"Question {n}"}]
        client.chat.completions.create(model="gpt-5.5", messages=said)

def test_new_conversations_from_a_stable_prompt(whycold_calls):
    http = httpx2.Client(transport=httpx2.MockTransport(fake))
    ask_anew(whycold_calls.record(faked(http_client=http)), clock=False)
    assert_prefix_stable(whycold_calls)

def test_new_conversations_with_a_clock(whycold_calls):
    http = httpx2.Client(transport=httpx2.MockTransport(fake))
    ask_anew(whycold_calls.record(faked(http_client=http)), clock=True)
    assert_prefix_stable(whycold_calls)

def test_no_call(whycold_calls):
    assert_prefix_stable(whycold_calls)
"""


def ran(folder: Path, program: str, url: str) -> tuple[dict[str, str], str]:
    """How each test ended, and all that pytest said."""
    (folder / "test_it.py").write_text(f"URL = {url!r}\n{program}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-W", "error", "test_it.py"],
        cwd=folder,
        env=own_environment(folder, {"COLUMNS": "140"}),
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    ended = {
        words[1].partition("::")[2]: words[0]
        for words in lines
        if len(words) > 1 and words[0] in ("PASSED", "FAILED")
    }
    return ended, done.stdout + done.stderr


def test_anthropic_is_green_when_stable_and_red_with_the_cause(tmp_path: Path):
    with caching_vendor() as vendor:
        ended, said = ran(tmp_path, ANTHROPIC, vendor.url)
    assert ended == {"test_stable": "PASSED", "test_with_a_clock": "FAILED"}, said
    assert "the prefix of the prompt broke in 2 calls of 3" in said
    assert "system[0].text at character" in said
    assert "[clock]" in said
    assert "[-" in said
    assert "tokens were not read from the cache because of it" in said


def test_openai_streamed_faked_and_through_an_address(tmp_path: Path):
    with chat_vendor() as vendor:
        ended, said = ran(tmp_path, OPENAI, vendor.url)
    assert ended == {
        "test_stable_and_streamed": "PASSED",
        "test_clock_through_the_local_address": "FAILED",
        "test_clock_against_a_fake_transport": "FAILED",
        "test_clock_in_a_transport_of_the_fixture": "FAILED",
        "test_stable_against_a_fake_transport": "PASSED",
        "test_clock_that_is_allowed": "PASSED",
        "test_new_conversations_from_a_stable_prompt": "PASSED",
        "test_new_conversations_with_a_clock": "FAILED",
        "test_no_call": "FAILED",
    }, said
    assert "no call to a model was recorded" in said
    assert said.count("[clock]") >= 4
    assert "message-edited" not in said


def test_the_plugin_costs_a_run_nothing(tmp_path: Path):
    program = (
        "import sys\ndef test_it():\n    assert 'whycold.frontends.config' not in sys.modules\n"
    )
    ended, said = ran(tmp_path, program, "")
    assert ended == {"test_it": "PASSED"}, said
