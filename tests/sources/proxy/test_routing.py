"""Which upstream a request goes to, and what it is asked for there."""

from __future__ import annotations

import pytest

from whycold.errors import UserError
from whycold.sources.proxy.config import VENDORS, Upstream
from whycold.sources.proxy.http1 import BadMessage
from whycold.sources.proxy.request_head import parse_request
from whycold.sources.proxy.routing import HostGuard, Router

UPSTREAMS = {
    **VENDORS,
    "local": Upstream.from_url("local", "http://10.0.0.1:8080"),
    "router": Upstream.from_url("router", "https://openrouter.example/api/v1/"),
    "deep": Upstream.from_url("deep", "https://x.example/a/b"),
}


def routed(target: bytes, *lines: bytes) -> tuple[str, bytes]:
    router = Router(UPSTREAMS, HostGuard(()))
    block = b"\r\n".join((b"GET " + target + b" HTTP/1.1", b"Host: localhost", *lines, b"", b""))
    route = router.route(parse_request(block))
    assert route == router.route(parse_request(block))
    return route.upstream.name, route.target


@pytest.mark.parametrize(
    ("target", "lines", "name"),
    [
        (b"/v1/messages", [], "anthropic"),
        (b"/v1/messages?beta=true", [], "anthropic"),
        (b"/v1/messages/count_tokens", [b"Authorization: Bearer x"], "anthropic"),
        (b"/v1/messages/batches/b_1/results", [], "anthropic"),
        (b"/v1/chat/completions", [b"anthropic-version: 2023-06-01"], "openai"),
        (b"/v1/responses", [], "openai"),
        (b"/v1/responses/resp_1", [], "openai"),
        (b"/v1/completions", [], "openai"),
        (b"/v1beta/models/gemini-2.5-pro:generateContent?key=k", [], "gemini"),
        (b"/v1beta/models/m:streamGenerateContent?alt=sse", [], "gemini"),
        (b"/v1beta/cachedContents", [], "gemini"),
        (b"/v1/models", [], "openai"),
        (b"/v1/models", [b"anthropic-version: 2023-06-01"], "anthropic"),
        (b"/v1/models", [b"anthropic-version: 1", b"x-goog-api-key: k"], "anthropic"),
        (b"/v1/models", [b"x-api-key: k"], "anthropic"),
        (b"/v1/models/m:generateContent", [b"x-goog-api-key: k"], "gemini"),
        (b"/v1/files", [b"Authorization: Bearer k"], "openai"),
        (b"/v1/embeddings", [], "openai"),
    ],
)
def test_paths_and_headers_lead_to_the_vendors(target: bytes, lines: list[bytes], name: str):
    assert routed(target, *lines) == (name, target)


@pytest.mark.parametrize(
    ("target", "lines", "name"),
    [
        (b"/messages", [], "anthropic"),
        (b"/messages?beta=true", [], "anthropic"),
        (b"/messages/count_tokens", [], "anthropic"),
        (b"/chat/completions", [], "openai"),
        (b"/responses", [], "openai"),
        (b"/responses/resp_1", [], "openai"),
        (b"/completions", [], "openai"),
        (b"/models", [], "openai"),
        (b"/models?limit=9", [b"anthropic-version: 1"], "anthropic"),
    ],
)
def test_a_base_url_may_lack_its_version(target: bytes, lines: list[bytes], name: str):
    assert routed(target, *lines) == (name, b"/v1" + target)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/to/local/v1/messages?a=b", ("local", b"/v1/messages?a=b")),
        (b"/to/local", ("local", b"/")),
        (b"/to/local/", ("local", b"/")),
        (b"/to/local?a=b", ("local", b"/?a=b")),
        (b"/to/local//x%2F..%2Fy", ("local", b"//x%2F..%2Fy")),
        (b"/to/anthropic/v1/models", ("anthropic", b"/v1/models")),
        (b"/to/router/chat/completions", ("router", b"/api/v1/chat/completions")),
        (b"/to/router/v1/chat/completions", ("router", b"/api/v1/chat/completions")),
        (b"/to/router/v1", ("router", b"/api/v1")),
        (b"/to/router/v1x", ("router", b"/api/v1/v1x")),
        (b"/to/deep/b/c", ("deep", b"/a/b/b/c")),
    ],
)
def test_every_upstream_can_be_named(target: bytes, expected: tuple[str, bytes]):
    assert routed(target) == expected


@pytest.mark.parametrize(
    "target",
    [b"/", b"/v1x", b"/to/", b"/v2/x", b"/api/v1/messages", b"/messagesx", b"/models/m", b"/chat"],
)
def test_other_paths_lead_nowhere(target: bytes):
    with pytest.raises(BadMessage) as error:
        routed(target)
    assert (error.value.status, error.value.code) == (404, "unknown_path")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(BadMessage) as error:
        routed(b"/to/nobody/x")
    assert error.value.status == 404
    assert "anthropic, deep, gemini, local, openai, router" in error.value.message


def test_a_vendor_may_be_left_out():
    router = Router({"local": UPSTREAMS["local"]}, HostGuard(()))
    block = b"GET /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with pytest.raises(BadMessage) as error:
        router.route(parse_request(block))
    assert error.value.code == "unknown_upstream"


@pytest.mark.parametrize(
    ("url", "authority", "prefix"),
    [
        ("https://api.anthropic.com", "api.anthropic.com", ""),
        ("https://api.anthropic.com:443/", "api.anthropic.com", ""),
        ("http://localhost:8080", "localhost:8080", ""),
        ("http://[::1]:8080/x/", "[::1]:8080", "/x"),
        ("HTTPS://Example.ORG/A", "example.org", "/A"),
    ],
)
def test_addresses_of_upstreams(url: str, authority: str, prefix: str):
    found = Upstream.from_url("name", url)
    assert (found.authority, found.prefix) == (authority, prefix)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("", "http://a"),
        ("a/b", "http://a"),
        ("a b", "http://a"),
        ("a", "a.example"),
        ("a", "ftp://a"),
        ("a", "http://"),
        ("a", "http://a:x"),
        ("a", "http://a:99999"),
        ("a", "http://user:key@a"),
        ("a", "https://a?key=k"),
        ("a", "https://a#f"),
        ("a", "http://a b"),
        ("a", "http://a\r\nX: y"),
        ("a", "http://[::1"),
        ("a", "http://a/b c"),
    ],
)
def test_an_address_that_cannot_be_meant_is_told_in_one_line(name: str, url: str):
    with pytest.raises(UserError) as error:
        Upstream.from_url(name, url)
    assert "\n" not in str(error.value)
