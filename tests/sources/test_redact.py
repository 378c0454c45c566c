"""Which parts of heads and addresses are secrets."""

from __future__ import annotations

import pytest

from whycold.sources.redact import REDACTED, Redactor, redact_target

KEPT = [
    b"anthropic-version: 2023-06-01",
    b"anthropic-beta: claude-code-20250219,prompt-caching-scope-2026-01-05",
    b"user-agent: claude-cli/2.1.101 (external, cli)",
    b"x-claude-code-session-id: 3f1c0d7e-1111-2222-3333-444455556666",
    b"request-id: req_011CSHoEeqs5C35K2UUqR7Fy",
    b"anthropic-ratelimit-tokens-remaining: 40000",
    b"anthropic-ratelimit-input-tokens-reset: 2026-11-23T05:00:00Z",
    b"x-ratelimit-limit-tokens: 150000",
    b"x-amzn-bedrock-cache-read-input-token-count: 1024",
    b"anthropic-organization-id: 1e2f3a4b-0000-1111-2222-333344445555",
    b"openai-organization: org-abc",
    b"openai-processing-ms: 1234",
    b"content-type: application/json; charset=utf-8",
    b"date: Mon, 23 Nov 2026 05:00:00 GMT",
    b"x-stainless-package-version: 0.71.2",
    b"link: <https://a.example/x?page=2>; rel=next",
]


@pytest.mark.parametrize("line", KEPT)
def test_what_attribution_needs_is_kept(line: bytes):
    redactor = Redactor(b"k")
    for _ in range(2):
        assert redactor.headers([line]) == line


@pytest.mark.parametrize(
    "value",
    [
        b"sk-ant-api03-abcdefgh",
        b"sk-proj-abcdefgh12",
        b"xai-abcdefgh12345678",
        b"gsk_abcdefgh12345678",
        b"hf_abcdefgh12345678",
        b"ghp_abcdefgh12345678",
        b"github_pat_abcdefgh12345678",
        b"AIzaSyA1234567890123456789012345678",
        b"AKIAIOSFODNN7EXAMPLE",
        b"ya29.a0AfH6SMB",
        b"eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl",
        b"Bearer something",
        b"basic dXNlcjpwYXNz",
    ],
)
def test_a_key_is_known_by_its_shape(value: bytes):
    line = b"x-other: before " + value + b", after"
    clean = Redactor(b"k").headers([line])
    assert value.split()[-1] not in clean
    assert clean.startswith(b"x-other: before " + REDACTED.encode())


@pytest.mark.parametrize(
    ("target", "clean"),
    [
        (b"/v1/x?key=abc", "/v1/x?key=[redacted]"),
        (b"/v1/x?a=1&API_KEY=abc&b=2", "/v1/x?a=1&API_KEY=[redacted]&b=2"),
        (b"/x?X-Amz-Signature=a&X-Amz-Credential=b", None),
        (b"/x?%6bey=abc", "/x?%6bey=[redacted]"),
        (b"/x?beta=true&alt=sse&page=2&limit=20", "/x?beta=true&alt=sse&page=2&limit=20"),
        (b"/x?key=", "/x?key="),
        (b"/x/sk-ant-api03-abcdefgh/y", "/x/[redacted]/y"),
        (
            b"/x?code=abc&state=def&token=ghi",
            "/x?code=[redacted]&state=[redacted]&token=[redacted]",
        ),
    ],
)
def test_secrets_in_addresses(target: bytes, clean: str | None):
    found = redact_target(target)
    assert found == (clean or "/x?X-Amz-Signature=[redacted]&X-Amz-Credential=[redacted]")
    redactor = Redactor(b"k")
    assert [redactor.target(target) for _ in range(2)] == [found, found]


def test_no_secret_is_remembered():
    redactor = Redactor(b"k")
    redactor.headers([b"x-api-key: the-secret", b"x-other: sk-ant-the-secret", b"ok: yes"])
    redactor.target(b"/x?key=the-secret")
    redactor.account(b"Bearer the-secret", b"/x")
    assert b"the-secret" not in repr(vars(redactor)).encode()


def test_one_key_is_one_account_however_it_is_sent():
    redactor = Redactor(b"k")
    found = {
        redactor.account(b"the-key", b"/x"),
        redactor.account(b"Bearer the-key", b"/x"),
        redactor.account(b"bearer   the-key", b"/x"),
        redactor.account(b"", b"/x?key=the-key"),
        redactor.account(b"", b"/x?a=b&key=the%2Dkey"),
    }
    assert len(found) == 1
    assert redactor.account(b"", b"/x?a=b") is None
    assert redactor.account(b"other", b"/x") not in found
    assert Redactor(b"l").account(b"the-key", b"/x") not in found
