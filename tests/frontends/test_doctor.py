"""``whycold doctor``: where nothing is there yet, where all is well, and where something is not."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clients.caching_vendor import CachingVendor, asked, caching_vendor, tool
from tests.frontends.command import whycold
from tests.ingest.traffic import Conversation, body, exchange, spool
from tests.serving import Serve, ask, eventually, serving
from tests.sources.wire import upstream
from whycold.frontends.config import load
from whycold.frontends.config_settings import SETTINGS
from whycold.frontends.doctor import problems
from whycold.frontends.doctor_facts import facts, size
from whycold.sources.spool_counts import Count, CountsFile, SpoolCounts


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("WHYCOLD_CONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "whycold.toml").write_text("port = 0\ndashboard_port = 0\n")
    return tmp_path


@pytest.fixture
def vendor() -> Iterator[CachingVendor]:
    with caching_vendor() as started:
        yield started


@pytest.fixture
def serve(home: Path, vendor: CachingVendor) -> Iterator[Serve]:
    with serving(home, "--upstream", f"anthropic={vendor.url}") as started:
        yield started


def told(*arguments: str) -> dict[str, object]:
    ran = whycold("doctor", "--json", *arguments)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def wrong() -> list[str]:
    return list(problems(facts(load())))


def test_where_nothing_is_there_yet_it_says_how_to_begin(home: Path):
    ran = whycold("doctor")
    assert ran.code == 0
    assert "none found" in ran.out
    assert "serve      does not run for this store" in ran.out
    assert "nothing is recorded yet; record something first, with `whycold serve`" in ran.out
    assert list(home.iterdir()) == [home / "whycold.toml"]


def test_every_setting_is_shown_with_where_it_comes_from(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHYCOLD_PROJECT", "shop")
    monkeypatch.setenv("WHYCOLD_UPSTREAM_LOCAL", "http://127.0.0.1:8000/x")
    monkeypatch.setenv("WHYCOLD_TOKEN", "0123456789abcdef")
    found = told("--store", "sqlite:///calls.db")
    settings = found["settings"]
    assert isinstance(settings, dict)
    assert settings["project"] == {"value": "shop", "origin": "WHYCOLD_PROJECT"}
    assert settings["port"] == {"value": "0", "origin": "whycold.toml"}
    assert settings["store"] == {"value": "sqlite:///calls.db", "origin": "command line"}
    assert settings["upstreams.local.url"]["value"] == "http://127.0.0.1:8000/x"
    assert settings["token"]["value"] == "not shown"
    assert {key for key in SETTINGS if "NAME" not in key} <= settings.keys()
    assert "0123456789abcdef" not in json.dumps(found)


def test_a_part_that_had_to_be_started_again_is_a_problem(serve: Serve):
    serve.kill("recorder")
    found = told("--store", serve.store_url)
    assert found["problems"] == [
        f"the recorder had to be started again 1 times since {serve.state().started}"
    ]


def test_a_serve_that_runs_is_found_with_its_ports_and_what_it_kept(serve: Serve):
    assert serve.post("/v1/messages", asked(["one"], [tool("Read", "Reads.")]))[0] == 200
    serve.recorded(1)
    found = told("--store", serve.store_url)
    # doctor was not told of the --upstream
    assert found["problems"] == [
        "upstream anthropic does not say who answers, and is taken for "
        "anthropic: set upstreams.anthropic.provider"
    ]
    running = found["serve"]
    assert isinstance(running, dict)
    assert (running["pid"], running["proxy"]) == (serve.process.pid, serve.url)
    assert list(found["ports"].values()) == [True, True]  # type: ignore[attr-defined]
    store, kept = found["store"], found["spool"]
    assert isinstance(store, dict)
    assert isinstance(kept, dict)
    assert (store["calls"], store["with_texts"]) == (1, 1)
    assert (kept["behind_bytes"], kept["counts"]) == (0, {"recorded": 1})
    assert "1 exchanges so far; 0B wait" in whycold("doctor", "--store", serve.store_url).out


def test_what_is_no_call_and_what_lacks_its_prompt_is_counted(home: Path):
    config = load()
    others = [
        exchange(1, b"", b"{}", path="/v1/models", method="GET"),
        replace(
            exchange(2, body(), {"id": "m", "type": "message"}),
            request_headers=(("content-encoding", "snappy"),),
        ),
        Conversation().turn("question", after_s=3),
    ]
    spool(Path(config.spool.folder), others)
    assert any("wait on the spool and no serve runs" in line for line in wrong())
    # Of two stores that are named the last one holds.
    with serving(home, "--store", config.store):
        pass
    found = told()
    recorder = found["recorder"]
    assert isinstance(recorder, dict)
    assert recorder["skipped"] == {"GET /v1/models is no call to a model": 1}
    assert recorder["lacking"] == {
        "request body not decoded: content coding 'snappy' is not known": 1
    }
    page = whycold("doctor").out
    assert "No calls\n          1  GET /v1/models is no call to a model" in page
    assert "Without a prompt\n          1  request body not decoded" in page
    assert "anthropic: anthropic, by its address" in page


def test_losses_are_problems(home: Path):
    folder = Path(load().spool.folder)
    folder.mkdir(parents=True)
    counts = {Count.body_budget.value: 3, Count.record_disk.value: 1, Count.refused.value: 9}
    counts[Count.unrecorded_upgrade.value] = 2
    CountsFile(folder / "counts.json").write(SpoolCounts(1, 2, counts))
    assert wrong() == [
        "3 bodies for which spool.memory had no room",
        "1 calls that the disk did not take",
    ]
    page = whycold("doctor").out
    assert "9  requests the proxy refused" in page
    assert "2  connections became WebSocket or HTTP/2 and passed unrecorded" in page


def test_a_websocket_that_passed_is_told(home: Path):
    switch = (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    with (
        upstream([lambda wire: wire.until(b"\r\n\r\n"), switch]) as server,
        serving(home, "--upstream", f"openai={server.url}") as serve,
    ):
        asking = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "a="}
        assert ask(serve.url, "/v1/responses", asking)[0] == 101
        eventually(
            lambda: whycold("doctor", "--store", serve.store_url).out,
            lambda page: "1  connections became WebSocket or HTTP/2 and passed" in page,
        )


def test_files_that_were_set_aside_are_problems(home: Path):
    config = load()
    Path(config.spool.folder).mkdir(parents=True)
    damaged = config.beside.with_name("whycold.db.damaged-1")
    damaged.touch()
    corrupt = Path(config.spool.folder) / "0000000000001.corrupt"
    corrupt.touch()
    assert wrong() == [
        f"a damaged file was set aside: {damaged}",
        f"a damaged file was set aside: {corrupt}",
    ]


def test_a_store_that_cannot_be_read_is_a_problem(home: Path):
    (home / "calls.db").write_bytes(b"SQLite format 3\0" + b"no database " * 1000)
    ran = whycold("doctor", "--store", f"sqlite:///{home}/calls.db")
    assert ran.code == 0
    assert "cannot be read" in ran.out
    assert "none found" not in ran.out


def test_a_port_that_another_program_has_is_a_problem(home: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (home / "whycold.toml").write_text(f"port = {port}\ndashboard_port = 0\n")
        assert wrong() == [
            f"port {port} is taken by another program; `whycold serve` would need another one"
        ]


def test_a_variable_that_is_no_setting_is_a_problem(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHYCOLD_PROT", "1")
    assert wrong() == ["the variable WHYCOLD_PROT is no setting; docs/configuration.md lists them"]


def test_a_mistake_in_the_settings_is_one_line(home: Path):
    (home / "whycold.toml").write_text("prot = 1\n")
    assert whycold("doctor").mistake == (
        "whycold.toml: there is no setting 'prot'; did you mean port?"
    )


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0B"), (1023, "1023B"), (1536, "1.5KB"), (5 << 30, "5GB")]
)
def test_sizes_are_short(count: int, text: str):
    assert size(count) == text
