"""Where messages may go, and what a receiver can do to the one who sends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.frontends.alerts.receiver import hook
from whycold.frontends.alert_rules import Receiver
from whycold.frontends.alerts import posting
from whycold.frontends.alerts.addresses import is_public
from whycold.frontends.alerts.posting import NotDelivered, post


def to(url: str, *, allow_private: bool = True, ca_file: Path | None = None) -> Receiver:
    file = str(ca_file) if ca_file is not None else None
    return Receiver(name="ops", url=url, allow_private=allow_private, ca_file=file)


def status(receiver: Receiver) -> int:
    return asyncio.run(post(receiver, b"{}", {})).status


def refused(receiver: Receiver) -> str:
    with pytest.raises(NotDelivered) as error:
        status(receiver)
    return str(error.value)


@contextmanager
def raw(*answer: bytes) -> Generator[str]:
    """Answers anything at all, byte for byte, and keeps the connection open."""
    listening = socket.create_server(("127.0.0.1", 0))
    links: list[socket.socket] = []

    def serve() -> None:
        link, _ = listening.accept()
        links.append(link)
        link.recv(1 << 16)
        for part in answer:
            link.sendall(part)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    thread.join()
    for link in links:
        link.close()
    listening.close()


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%2", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "no address"),
    ],
)
def test_addresses_of_this_machine_and_of_private_networks_are_known(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_however_it_is_written_a_private_address_is_refused_unless_allowed(host: str):
    with hook() as ops:
        port = ops.url.rpartition(":")[2]
        said = refused(to(f"https://{host}:{port}", allow_private=False))
        assert said == "leads to a private address; allow_private would allow it"
        assert status(to(f"http://127.0.0.1:{port}")) == 204
    assert len(ops.got) == 1


def test_a_name_is_looked_up_once_so_that_it_cannot_lead_elsewhere_later(
    monkeypatch: pytest.MonkeyPatch,
):
    looked_up: list[str] = []

    def rebinding(host: str, port: int, *args: object, **kwargs: object) -> list[object]:
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "8.8.8.8"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with hook() as ops:
        port = int(ops.url.rpartition(":")[2].partition("/")[0])
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        assert status(to(f"http://hook.example:{port}/x")) == 204
    assert looked_up == ["hook.example"]
    assert ops.got[0].headers["host"] == f"hook.example:{port}"


def test_one_private_address_among_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch):
    def mixed(host: str, port: int, *args: object, **kwargs: object) -> list[object]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("8.8.8.8", port)), (*kind, ("10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", mixed)
    assert "private address" in refused(to("https://hook.example/", allow_private=False))
    assert "only https is used" in refused(to("http://hook.example/"))


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int):
    with hook() as ops, hook() as elsewhere:
        ops.status, ops.headers = code, {"location": elsewhere.url}
        assert refused(to(ops.url)) == f"redirected ({code}), which is not followed"
    assert (len(ops.got), elsewhere.got) == (1, [])


def test_what_the_receiver_says_against_it_is_told_short_and_printable():
    with hook() as ops:
        ops.status, ops.text = 403, b"no\x1b[31m service\n" + b"x" * 9999
        said = refused(to(ops.url))
    assert said.startswith("answered 403: no\\x1b[31m service")
    assert len(said) < 300


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    made, file = trustme.CA(), tmp_path / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    return file, context


def test_https_is_verified_with_authorities_of_ones_own(authority: tuple[Path, ssl.SSLContext]):
    file, context = authority
    with hook(context) as ops:
        assert status(to(ops.url, ca_file=file)) == 204
        assert "CERTIFICATE_VERIFY_FAILED" in refused(to(ops.url))
        other = ops.url.replace("127.0.0.1", "localhost")
        assert "CERTIFICATE_VERIFY_FAILED" in refused(to(other, ca_file=file))
    assert len(ops.got) == 1


def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path):
    assert "cannot" in refused(to("https://127.0.0.1:9/", ca_file=tmp_path / "missing.pem"))


def test_an_answer_without_an_end_is_read_no_further_than_needed():
    with raw(b"HTTP/1.1 200 OK\r\n\r\nforever") as url:
        assert status(to(url)) == 200
    with raw(b"HTTP/1.1 500 No\r\n\r\n", b"x" * (1 << 17)) as url:
        assert refused(to(url)).startswith("answered 500: xxx")


def test_an_interim_answer_is_passed_over():
    with raw(b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n", b"HTTP/1.1 204 Fine\r\n\r\n") as url:
        assert status(to(url)) == 204


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_told(answer: bytes):
    with raw(answer) as url:
        assert refused(to(url)) == "what answers there does not speak HTTP"


def test_silence_has_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(posting, "PATIENCE_S", 0.1)
    with raw(b"HTTP/1.1 500 No\r\n") as url:
        assert refused(to(url)) == "no answer within 0 seconds"


def test_nobody_there_is_told_in_words():
    with hook() as gone:
        pass
    assert "cannot connect" in refused(to(gone.url))
    assert refused(to("https://no-such-name.invalid/")) == "the name is not known"


def test_a_message_is_plain_json_without_what_identifies_the_sender():
    with hook() as ops:
        asyncio.run(post(to(f"{ops.url}?a=b"), b'{"x": 1}', {"webhook-id": "m"}))
    [got] = ops.got
    assert (got.path, got.said, got.headers["webhook-id"]) == ("/hook?a=b", {"x": 1}, "m")
    assert got.headers["content-type"] == "application/json"
    assert "authorization" not in got.headers
