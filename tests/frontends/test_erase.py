"""``whycold erase``: nothing is left of what is deleted, in no file, whoever writes the store."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.caching_vendor import CachingVendor, asked, caching_vendor, tool
from tests.ingest.traffic import Conversation, spool
from tests.serving import COMMAND, PATIENCE, Serve, eventually, own_environment, serving, whycold
from tests.store.test_removal import on_disk
from whycold.store.answers import Filters

SECRET, OTHER = "xyzzy-plugh", "frobozz"
TOOLS = [tool("Read", "Reads a file.")]


@pytest.fixture
def vendor() -> Iterator[CachingVendor]:
    with caching_vendor() as started:
        yield started


@pytest.fixture
def serve(tmp_path: Path, vendor: CachingVendor) -> Iterator[Serve]:
    with serving(tmp_path, "--upstream", f"anthropic={vendor.url}") as started:
        yield started


def call(serve: Serve, session: str, *questions: str, tools: object = TOOLS) -> None:
    body = asked(questions, tools)  # type: ignore[arg-type]
    assert serve.post("/v1/messages", body, {"x-whycold-session": session})[0] == 200


def count(serve: Serve, session: str | None = None) -> int:
    with serve.store() as store:
        return store.totals(Filters(session=session)).calls


def erase(serve: Serve, *options: str) -> subprocess.CompletedProcess[str]:
    return whycold(serve.folder, "erase", "--store", serve.store_url, *options)


def test_a_session_is_nowhere_on_the_disk_once_erased_while_serve_runs(serve: Serve):
    for n in range(1, 4):
        call(serve, "a", *[f"{SECRET} {k}" for k in range(n)])
        call(serve, "b", *[f"{OTHER} {k}" for k in range(n)])
    # What was seen of it is quoted by the next call of another session.
    call(serve, "b", OTHER, tools=[tool("Read", f"Reads a file, not {SECRET}.")])
    call(serve, "c", OTHER, tools=[tool("Read", "Reads a file, then.")])
    eventually(lambda: count(serve), lambda found: found == 8)
    assert {name.partition(".")[2] for name in on_disk(serve.folder, SECRET)} >= {"seg"}
    told = erase(serve, "--session", "a", "--yes")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("Deleted 3 calls.\n")
    assert (count(serve, "a"), count(serve)) == (0, 5)
    told = erase(serve, "--session", "b", "--yes", "--json")
    assert json.loads(told.stdout) == {"calls": 4, "quotes": 1, "purged": True, "left": []}
    assert on_disk(serve.folder, SECRET) == []
    assert on_disk(serve.folder, OTHER)
    # And it goes on.
    call(serve, "a", "a new beginning")
    eventually(lambda: (count(serve, "a"), count(serve)), lambda found: found == (1, 2))
    assert serve.errors() == ""
    assert erase(serve, "--until", "now", "--yes").stdout == "Deleted 2 calls.\n"
    assert on_disk(serve.folder, OTHER) == []


@pytest.mark.slow
def test_calls_that_come_in_meanwhile_are_kept(serve: Serve):
    stop, sent = threading.Event(), [0] * 3

    def keep_calling(client: int) -> None:
        while not stop.wait(0.1):
            call(serve, f"kept {client}", f"{OTHER} {client} {sent[client]}")
            sent[client] += 1

    threads = [threading.Thread(target=keep_calling, args=(n,)) for n in range(len(sent))]
    for thread in threads:
        thread.start()
    try:
        for n in range(3):
            call(serve, "gone", f"{SECRET} {n}")
            told = erase(serve, "--session", "gone", "--yes", "--json")
            assert told.returncode == 0, told.stderr
            assert json.loads(told.stdout)["calls"] == 1
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert sum(sent)
    eventually(lambda: count(serve), lambda found: found == sum(sent))
    eventually(lambda: on_disk(serve.folder, SECRET), lambda found: found == [])


def test_without_a_serve_what_waits_on_the_spool_is_erased_too(tmp_path: Path):
    with serving(tmp_path, "--upstream", "anthropic=http://127.0.0.1:9") as serve:
        pass
    talk, other = Conversation(SECRET), Conversation("other")
    waiting = [talk.turn(f"{SECRET} {n}", after_s=9.0 * n) for n in range(3)]
    spool(tmp_path / "calls.spool", [*waiting, other.turn(OTHER, after_s=99)])
    assert on_disk(tmp_path, SECRET)
    told = erase(serve, "--session", SECRET, "--yes")
    assert told.stdout.startswith("Deleted 3 calls.\n"), told.stderr
    assert on_disk(tmp_path, SECRET) == []
    assert count(serve) == 1
    assert list((tmp_path / "calls.spool").glob("*.seg"))[-1].stat().st_size == 0


def test_damaged_files_are_named_and_deleted_when_that_is_said(serve: Serve):
    damaged = serve.folder / "calls.db.damaged-1"
    corrupt = serve.folder / "calls.spool" / "0000000000001.corrupt"
    for path in (damaged, corrupt):
        path.write_text(SECRET)
    told = erase(serve, "--session", "a", "--yes")
    assert told.stdout == (
        "Deleted 0 calls.\n"
        "Not searched, for they are damaged (--damaged deletes them):\n"
        f"  {damaged}\n  {corrupt}\n"
    )
    assert erase(serve, "--session", "a", "--yes", "--damaged").stdout == "Deleted 0 calls.\n"
    assert on_disk(serve.folder, SECRET) == []


@pytest.mark.parametrize(("says", "left"), [(b"n\n", 1), (b"y\n", 0)])
def test_on_a_terminal_it_asks_first(serve: Serve, says: bytes, left: int):
    call(serve, "a", "one")
    eventually(lambda: count(serve))
    ours, theirs = pty.openpty()
    command = [*COMMAND, "erase", "--store", serve.store_url, "--session", "a"]
    with subprocess.Popen(
        command, env=own_environment(serve.folder), stdin=theirs, stdout=subprocess.PIPE
    ) as asking:
        os.write(ours, says)
        said, _ = asking.communicate(timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert b"Delete for good: 1 calls in" in said
    assert asking.returncode == (130 if left else 0)
    assert count(serve) == left


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--yes"], "say what to erase: --session, --project"),
        (["--session", "a"], "say --yes where nobody can be asked"),
        (["--since", "soon", "--yes"], "'soon' is no time"),
        (["--since", "1d", "--until", "2d", "--yes"], "since 1d is not before until 2d"),
        (["--session", "a", "--yes"], "there is no store at"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, options: list[str], says: str):
    refused = whycold(tmp_path, "erase", "--store", f"sqlite:///{tmp_path}/calls.db", *options)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
