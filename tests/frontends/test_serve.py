"""``whycold serve`` from outside: what it prints, what survives, how it ends, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import PATIENCE, Serve, eventually, serving, whycold
from tests.sources.proxy.vendor import Vendor
from whycold.frontends.serve_state import running
from whycold.store.answers import Filters


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join(PATIENCE)
    server.server_close()


@pytest.fixture
def serve(tmp_path: Path, vendor: Vendor) -> Iterator[Serve]:
    with serving(tmp_path, "--upstream", f"anthropic={vendor.url}") as started:
        yield started


def call(serve: Serve, text: str = "hello") -> int:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
    return serve.post("/v1/messages", json.dumps(body).encode())[0]


def count(serve: Serve) -> int:
    with serve.store() as store:
        return store.totals(Filters()).calls


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_it_prints_both_addresses_and_records_what_passes(serve: Serve):
    assert serve.greeting[1].startswith("  proxy      http://127.0.0.1:")
    assert serve.greeting[2].startswith("  dashboard  http://127.0.0.1:")
    assert "ANTHROPIC_BASE_URL=" in serve.greeting[3]
    assert [call(serve) for _ in range(3)] == [200] * 3
    serve.settled()
    assert serve.get("/api/v1/report")[1]["calls"] == 3
    assert serve.end() == 0
    assert serve.errors() == ""
    assert running(serve.state_file) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_order_and_leaves_no_process_behind(serve: Serve, number: signal.Signals):
    pids = list(serve.state().processes.values())
    call(serve)
    assert serve.end(number) == 0
    assert not any(map(alive, pids))
    assert count(serve) == 1


@pytest.mark.parametrize("part", ["proxy", "recorder", "dashboard"])
def test_a_part_that_is_killed_is_started_again(serve: Serve, part: str):
    assert call(serve) == 200
    eventually(lambda: answer(serve), lambda calls: calls == 1)
    serve.kill(part)
    assert eventually(lambda: answered(serve)) == 200
    serve.settled()
    assert serve.state().restarts[part] == 1
    assert f"the {part} ended (SIGKILL)" in serve.errors()
    assert eventually(lambda: count(serve), lambda found: found == 2)


def answered(serve: Serve) -> int:
    """A call's status; 0 while nobody listens."""
    try:
        return call(serve)
    except OSError:
        return 0


def test_while_the_dashboard_is_started_again_no_question_is_refused(serve: Serve):
    os.kill(serve.pid("dashboard"), signal.SIGKILL)
    assert serve.get("/healthz")[0] == 200


def test_no_part_outlives_a_supervisor_that_is_killed(serve: Serve):
    pids = list(serve.state().processes.values())
    os.kill(serve.process.pid, signal.SIGKILL)
    eventually(lambda: not any(map(alive, pids)))
    assert running(serve.state_file) is None


def test_a_second_serve_for_the_same_store_is_refused(serve: Serve):
    other = whycold(serve.folder, "serve", "--port", "0", "--store", serve.store_url)
    assert other.returncode == 2
    assert other.stdout == ""
    assert other.stderr == (
        f"whycold: whycold serve runs already for this store (process {serve.process.pid}, "
        f"at {serve.url}); stop it, or choose another --store\n"
    )


def test_a_store_that_another_command_writes_is_refused(tmp_path: Path):
    from whycold.store.opening import open_store

    store = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    try:
        refused = whycold(
            tmp_path,
            *("serve", "--port", "0", "--dashboard-port", "0"),
            *("--store", f"sqlite:///{tmp_path}/calls.db"),
        )
    finally:
        store.close()
    assert refused.returncode == 2
    assert f"another whycold (process {os.getpid()}) writes to" in refused.stderr


@pytest.mark.parametrize("option", ["--port", "--dashboard-port"])
def test_a_port_that_is_taken_is_named(tmp_path: Path, option: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        other = "--dashboard-port" if option == "--port" else "--port"
        refused = whycold(tmp_path, "serve", option, port, other, "0")
    assert refused.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_an_address_that_others_can_reach_is_refused(tmp_path: Path):
    refused = whycold(tmp_path, "serve", "--port", "0", "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "0.0.0.0 can be reached by other machines" in refused.stderr


def test_where_others_can_reach_it_the_dashboard_asks_for_a_token(tmp_path: Path, vendor: Vendor):
    options = ("--host", "0.0.0.0", "--allow-remote", "--upstream", f"anthropic={vendor.url}")
    with serving(tmp_path, *options) as serve:
        assert serve.url.startswith("http://127.0.0.1:")
        address, _, token = serve.greeting[2].split()[1].partition("/?token=")
        serve.dashboard = address
        assert len(token) == 32
        for path in ("/", "/healthz", "/api/v1/report", "/api/v1/misses", "/nothing"):
            assert serve.fetch(path)[0] == 401, path
        bearer = {"Authorization": f"Bearer {token}"}
        assert serve.get("/healthz", bearer)[0] == 200
        assert serve.get("/healthz", {"Authorization": f"Bearer {token[:-1]}"})[0] == 401
        status, headers, _ = serve.fetch(f"/api/v1/report?since=1d&token={token}")
        assert (status, headers["location"]) == (303, "/api/v1/report?since=1d")
        cookie = headers["set-cookie"].partition(";")[0]
        assert "HttpOnly" in headers["set-cookie"]
        assert "SameSite=strict" in headers["set-cookie"]
        assert serve.get("/api/v1/report", {"Cookie": cookie})[0] == 200
        assert serve.fetch(f"//evil.example/?token={token}")[1]["location"] == "/evil.example/"
        assert call(serve) == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--upstream", "anthropic"], "say NAME=URL"),
        (["--upstream", "anthropic=ftp://x"], "must look like https://host or http://host"),
        (["--port", "many"], "port wants a port from 1 to 65535"),
        (["--capture", "all"], "wants one of full, hash, usage, none"),
        (["--store", "calls.db"], "wants a URL such as sqlite:///PATH"),
        (["--config", "missing.toml"], "missing.toml: cannot be read"),
        (["--port", "4142"], "are both 4142"),
        (["extra"], "unexpected extra argument"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, options: list[str], says: str):
    refused = whycold(tmp_path, "serve", *options)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_an_upstream_that_is_the_dashboard_itself_is_refused(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = whycold(
        tmp_path,
        *("serve", "--port", "0", "--dashboard-port", str(port)),
        *("--upstream", f"local=http://localhost:{port}"),
    )
    assert refused.returncode == 2
    assert "is whycold's own address" in refused.stderr


def test_a_store_that_is_damaged_is_set_aside_and_traffic_goes_on(tmp_path: Path, vendor: Vendor):
    (tmp_path / "calls.db").write_bytes(b"SQLite format 3\0" + b"no database " * 1000)
    with serving(tmp_path, "--upstream", f"anthropic={vendor.url}") as serve:
        assert call(serve) == 200
        serve.settled()
        assert count(serve) == 1
        assert "set aside" in serve.errors()
    assert list(tmp_path.glob("calls.db.damaged-*"))


def test_a_store_that_turns_out_damaged_at_a_restart_is_set_aside_too(serve: Serve):
    call(serve)
    serve.settled()
    for name in ("calls.db", "calls.db-wal"):
        with (serve.folder / name).open("r+b") as file:
            file.write(b"\xff" * 65536)
    serve.kill("recorder")
    assert call(serve) == 200
    eventually(lambda: list(serve.folder.glob("calls.db.damaged-*")))
    # What is still on the spool is taken up again: nothing is lost here.
    eventually(lambda: answer(serve), lambda calls: calls == 2)


def answer(serve: Serve) -> object:
    """What the dashboard says of the calls; it may still be opening the new store."""
    return serve.get("/api/v1/report")[1].get("calls")
