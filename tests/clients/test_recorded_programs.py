"""`whycold.record` in programs of every kind: nothing is lost at their end, nothing stops them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import anthropic
import httpx2
import pytest

import whycold
from tests.clients.chat_vendor import chat_vendor
from tests.clients.in_process import exchanges, settings
from tests.serving import PATIENCE, own_environment
from tests.serving import whycold as command
from whycold.frontends import recording
from whycold.sources.programs.book import Book
from whycold.sources.programs.hooks import Attached, Places, attach
from whycold.sources.spool import SpoolConfig, SpoolFolder
from whycold.sources.spool_counts import Count, CountsFile
from whycold.sources.spool_record import Capture

PROGRAM = Path(__file__).parent / "recording_program.py"
ROOT = Path(__file__).parents[2]


def ran(
    folder: Path, vendor: str, how: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), vendor, str(settings(folder)), how],
        env=own_environment(folder, {"PYTHONPATH": str(ROOT), **(more or {})}),
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )


@pytest.mark.parametrize(
    ("how", "code", "calls"),
    [
        ("threads", 0, 40),
        ("forks", 0, 10),
        ("fork", 0, 7),
        pytest.param("spawn", 0, 7, marks=pytest.mark.slow),
        ("open stream", 0, 1),
        ("killed", -9, 3),
        ("raises", 7, 1),
    ],
)
def test_a_program_ends_as_ever_and_all_its_calls_are_there(
    tmp_path: Path, how: str, code: int, calls: int
):
    with chat_vendor() as vendor:
        done = ran(tmp_path, vendor.url, how)
    assert (done.returncode, done.stderr) == (code, "")
    found = exchanges(tmp_path)
    assert len(found) == len({one.id for one in found}) == calls
    assert {one.labels["session"] for one in found} == {"program"}


def test_importing_whycold_imports_nothing_else(tmp_path: Path):
    script = "import sys, whycold; print([n for n in sys.modules if n.startswith('whycold.')])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def answering(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"id": "msg_1", "type": "message", "content": []})


def recorded(book: Book) -> httpx2.Client:
    client = httpx2.Client(transport=httpx2.MockTransport(answering))
    attach(client, Attached(book, Places({}, Capture.full, {}), dict))
    return client


def test_what_goes_wrong_in_recording_is_counted_and_the_call_goes_on(tmp_path: Path):
    def broken() -> int:
        raise RuntimeError("no clock")

    spool = tmp_path / "spool"
    book = Book(SpoolConfig(folder=str(spool)), clock=broken)
    with recorded(book) as client:
        assert client.post("http://a.example/v1/messages", json={}).status_code == 200
    assert book.counts[Count.record_failed] > 0
    book.close()


def test_losses_are_in_the_doctors_sums(tmp_path: Path):
    file = settings(tmp_path)
    book = Book(SpoolConfig(folder=str(tmp_path / "calls.spool")))
    with recorded(book) as client:
        client.post("http://a.example/v1/messages", json={})
    book.failed(RuntimeError("of our own"))
    book.close()
    said = command(tmp_path, "doctor", "--json", "--config", str(file))
    assert '"record-failed": 1' in said.stdout
    assert '"recorded": 1' in said.stdout


def test_a_folder_that_cannot_be_written_stops_nothing_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_text("")
    book = Book(SpoolConfig(folder=str(tmp_path / "file" / "spool")))
    with recorded(book) as client:
        for _ in range(3):
            assert client.post("http://a.example/v1/messages", json={}).status_code == 200
    book.close()
    assert book.counts[Count.record_failed] == 3
    assert len(caplog.records) == 1


def test_a_full_budget_leaves_bodies_out_and_counts_them(tmp_path: Path):
    spool = SpoolFolder(tmp_path / "spool")
    book = Book(SpoolConfig(folder=str(spool.path), budget_bytes=100_000))
    with recorded(book) as client:
        client.post("http://a.example/v1/messages", content=b"x" * 200_000)
    book.close()
    counts = CountsFile(spool.program(1).counts).read().counts
    assert counts[Count.body_budget] == 1
    assert counts[Count.recorded] == 1


def test_a_broken_configuration_leaves_the_client_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    file = tmp_path / "whycold.toml"
    file.write_text("port = 'nowhere'")
    client = anthropic.Anthropic(api_key="none")
    assert whycold.record(client, config=file) is client
    [http] = recording.http_clients(client)
    assert http.event_hooks == {"request": [], "response": []}
    assert "calls are not recorded" in caplog.text


def test_a_compressed_stream_is_copied_as_it_came(tmp_path: Path):
    packed = gzip.compress(b'data: {"a": 1}\n\n' * 50)

    class Pieces(httpx2.SyncByteStream):
        def __iter__(self):
            yield packed[:20]
            yield packed[20:]

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces())

    file = settings(tmp_path)
    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        whycold.record(client, config=file)
        with client.stream("POST", "http://a.example/v1/messages", json={}) as response:
            assert b"".join(response.iter_bytes()).startswith(b"data:")
    recording.close()
    [found] = exchanges(tmp_path)
    assert found.response.content == packed
    assert ("content-encoding", "gzip") in found.response_headers
