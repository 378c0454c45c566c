"""What the capture modes let get to disk, and what can still be said: looked at in the files."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.caching_vendor import SYSTEM, CachingVendor, asked, caching_vendor, tool
from tests.serving import Serve, eventually, serving
from whycold.store.answers import Filters

PLANTED = "xylophone"
"""Stands in every part of a request and of its answer that may hold text."""
QUESTIONS = [f"question {n} about the {PLANTED}, " + "and more " * 9 for n in range(4)]
READ = tool("Read", f"Reads a file of the {PLANTED}. " * 12)
BASH = tool("Bash", f"Runs a command on the {PLANTED}. " * 12)
NEW_BASH = tool("Bash", f"Runs a command on the {PLANTED}, and asks first. " * 12)
PARTS = f"You know all about the {PLANTED}. {SYSTEM}"


@pytest.fixture(scope="module")
def vendor() -> Iterator[CachingVendor]:
    with caching_vendor() as started:
        yield started


class Watch:
    """Looks through all files of a folder again and again for a text."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.found, self.looked = folder, set[str](), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.found |= files_with(self._folder, PLANTED)
            self.looked += 1

    def end(self) -> set[str]:
        self._stop.set()
        self._thread.join()
        assert self.looked
        return self.found | files_with(self._folder, PLANTED)


def files_with(folder: Path, text: str) -> set[str]:
    """Names of the files that hold a text, as it is or in a form that hides little."""
    raw = text.encode()
    forms = {raw, raw[::-1], text.encode("utf-16-le"), raw.hex().encode()}
    forms |= {base64.b64encode(raw[at:])[:10] for at in range(3)}
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(f in read(path) for f in forms)
    }


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def converse(serve: Serve, **more: Any) -> list[dict[str, Any]]:
    """Four turns, the third with another tool, then a call that is refused; what the store tells,
    oldest first.
    """
    labels = {"x-whycold-session": "one", **more.pop("headers", {})}
    for turn in range(4):
        tools = [READ, BASH if turn < 2 else NEW_BASH]
        body = asked(QUESTIONS[: turn + 1], tools, PARTS, **more)
        assert serve.post("/v1/messages", body, labels)[0] == 200
    refused = asked([f"refuse {QUESTIONS[0]}"], [READ], PARTS)
    assert serve.post("/v1/messages", refused, labels)[0] == 400
    serve.recorded(5)
    with serve.store() as store:
        calls = store.session("one")
    ids = [kept.told.call for kept in calls]
    return [serve.get(f"/api/v1/calls/{id}")[1] for id in ids]


@pytest.fixture
def started(
    request: pytest.FixtureRequest, tmp_path: Path, vendor: CachingVendor
) -> Iterator[Serve]:
    vendor.cache.kept.clear()
    with serving(tmp_path, "--upstream", f"anthropic={vendor.url}", *request.param) as serve:
        yield serve


HASHED = pytest.mark.parametrize("started", [("--capture", "hash")], indirect=True)
COUNTED = pytest.mark.parametrize("started", [("--capture", "usage")], indirect=True)
MORE = {"stop_sequences": [f"the {PLANTED} ends"], "metadata": {"user_id": f"{PLANTED} lover"}}


@HASHED
def test_hash_keeps_no_text_and_still_names_the_tool(started: Serve):
    watch = Watch(started.folder)
    told = converse(started, **MORE)
    miss = told[2]
    assert [call["verdict"] for call in told[:4]] == ["first", "hit", "miss", "hit"]
    assert (miss["reason"], miss["cause"]) == ("tools_changed", "tool-edited")
    assert [found["path"] for found in miss["divergences"]] == ["tools[Bash]"]
    assert miss["missed_tokens"] == told[1]["usage"]["cache_read"] + told[1]["usage"]["cache_write"]
    assert sum(block["tokens"] for block in miss["blocks"]) == miss["usage"]["input"]
    assert {block["name"] for block in miss["blocks"]} >= {"Read", "Bash"}
    assert told[4]["verdict"] != "miss"
    # What the store packs no search of its files would find.
    assert PLANTED not in json.dumps(told)
    started.end()
    assert watch.end() == set()


@HASHED
def test_hash_knows_its_digests_after_a_restart(started: Serve):
    tools = [READ, BASH]
    assert started.post("/v1/messages", asked(QUESTIONS[:1], tools))[0] == 200
    started.recorded(1)
    for part in ("proxy", "recorder"):
        started.kill(part)
    # A proxy that was just killed may not listen yet.
    eventually(lambda: posted(started, asked(QUESTIONS[:2], tools)), lambda status: status == 200)
    assert started.recorded(2)["misses"] == 0
    with started.store() as store:
        latest = store.calls(Filters(), limit=1).items[0].told
    assert (latest.verdict, latest.divergences) == ("hit", ())
    assert latest.predecessor is not None


def posted(serve: Serve, body: bytes) -> int:
    try:
        return serve.post("/v1/messages", body)[0]
    except OSError:
        return 0


@COUNTED
def test_usage_keeps_counts_alone(started: Serve):
    watch = Watch(started.folder)
    told = converse(started, **MORE)
    assert [call["usage"]["cache_read"] for call in told[:4]] == [
        0,
        told[0]["usage"]["input"],
        0,
        told[2]["usage"]["input"],
    ]
    assert [call["verdict"] for call in told[:4]] == ["unknown", "hit", "unknown", "hit"]
    assert {call["model"] for call in told[:4]} == {"claude-sonnet-5"}
    assert told[0]["blocks"] == []
    assert "not recorded" in told[2]["summary"]
    # What the store packs no search of its files would find.
    assert PLANTED not in json.dumps(told)
    started.end()
    assert watch.end() == set()


@pytest.mark.parametrize("started", [()], indirect=True)
def test_full_keeps_text_so_that_the_test_above_could_have_found_some(started: Serve):
    watch = Watch(started.folder)
    told = converse(started, **MORE)
    assert told[2]["divergences"][0]["path"] == "tools[Bash].description"
    assert PLANTED in told[2]["divergences"][0]["before"]
    started.end()
    assert watch.end()


def test_of_projects_and_upstreams_the_strictest_holds(tmp_path: Path, vendor: CachingVendor):
    (tmp_path / "whycold.toml").write_text(
        f"""
        project = "usual"
        [upstreams]
        anthropic = "{vendor.url}"
        [upstreams.counted]
        url = "{vendor.url}"
        capture = "usage"
        [projects]
        secret.capture = "hash"
        usual.capture = "hash"
        nothing.capture = "none"
        """
    )
    with serving(tmp_path) as serve:
        modes: dict[str, str] = {}
        for name, path, project in (
            ("labelled", "/v1/messages", "secret"),
            ("unlabelled", "/v1/messages", None),
            ("other", "/v1/messages", "open"),
            ("upstream", "/to/counted/v1/messages", "open"),
            ("none", "/v1/messages", "nothing"),
        ):
            headers = {"x-whycold-session": name}
            headers |= {"x-whycold-project": project} if project else {}
            assert serve.post(path, asked(QUESTIONS[:1], [READ]), headers)[0] == 200
        serve.recorded(4)
        with serve.store() as store:
            for name in ("labelled", "unlabelled", "other", "upstream", "none"):
                kept = store.session(name)
                modes[name] = kept[0].capture.value if kept else "nothing"
                if name == "unlabelled":
                    assert kept[0].told.project == "usual"
    assert modes == {
        "labelled": "hash",
        "unlabelled": "hash",
        "other": "full",
        "upstream": "usage",
        "none": "nothing",
    }
    assert json.loads((tmp_path / "calls.spool/counts.json").read_text())["counts"] == {
        "recorded": 4,
        "unrecorded-capture": 1,
    }
