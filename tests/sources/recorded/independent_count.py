"""Counts the calls and tokens of cassettes, logs, archives and traces from their raw files.

`python tests/sources/recorded/independent_count.py KIND FOLDER` prints them; the tests hold the
importers' totals against them. It shares no code with whycold: an exchange is a call when its
answer carries a usage; the same answer in two files is one call.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

API = re.compile(
    r"/(messages|chat/completions|responses|completions|invoke(-with-response-stream)?"
    r"|converse(-stream)?)$|:(streamG|g)enerateContent$"
)
NAMES = ("request-id", "x-request-id", "x-amzn-requestid")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def totals(kind: str, folder: Path) -> Counter[str]:
    """Calls, input, read, written and output of everything below a folder (or of one file)."""
    found: dict[Any, dict[str, int]] = {}
    paths = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    for path in filter(Path.is_file, paths):
        found |= {key: counts(usage) for key, usage in KINDS[kind](path)}
    out = Counter({"calls": len(found)})
    for usage in found.values():
        out.update(usage)
    return out


def counts(usage: dict[str, Any]) -> dict[str, int]:
    """One usage, whatever the provider calls its parts."""

    def first(*names: str) -> int:
        return next((int(usage[n]) for n in names if usage.get(n) is not None), 0)

    details = next(
        (usage[n] for n in ("prompt_tokens_details", "input_tokens_details") if usage.get(n)), {}
    )
    read = details.get("cached_tokens") or first(
        "cache_read_input_tokens", "cachedContentTokenCount", "cacheReadInputTokens"
    )
    written = first("cache_creation_input_tokens", "cacheWriteInputTokens")
    counted = first("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens", "in")
    # Anthropic's and Bedrock's input is what was neither read nor written
    apart = ("input_tokens" in usage and "input_tokens_details" not in usage) or (
        "inputTokens" in usage
    )
    output = first("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens")
    return {
        "input": counted + (read + written if apart else 0),
        "read": read,
        "written": written,
        "output": output + first("thoughtsTokenCount") + first("out"),
    }


def cassette(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    text = path.read_bytes()
    document = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=LOADER)
    listed = document
    if isinstance(document, dict):
        listed = document.get("interactions") or document.get("http_interactions") or []
    for number, item in enumerate(listed if isinstance(listed, list) else []):
        request, response = item["request"], item["response"]
        url = request.get("uri") or request.get("url") or ""
        if str(request.get("method", "POST")).upper() != "POST" or not API.search(
            url.split("?")[0]
        ):
            continue
        headers = {name.lower(): value for name, value in (response.get("headers") or {}).items()}
        name = next((str(headers[n]) for n in NAMES if n in headers), f"{path} {number}")
        yield from answer(name, body_of(response.get("body")))


def body_of(body: Any) -> bytes:
    if isinstance(body, dict):
        packed = body.get("base64_string") or body.get("raw_gzip")
        body = base64.b64decode(packed) if packed else body.get("string")
    raw = body.encode() if isinstance(body, str) else body or b""
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def answer(name: str, body: bytes) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The usage in an answer, of a stream the last one of each of its parts."""
    try:
        events = [json.loads(body)]
    except ValueError:
        lines = (line[5:] for line in body.splitlines() if line.startswith(b"data:"))
        events = [json.loads(line) for line in lines if line.strip() not in (b"", b"[DONE]")]
    usage: dict[str, Any] = {}
    for event in events:
        for part in (event, event.get("message") or {}, event.get("response") or {}):
            usage |= part.get("usage") or part.get("usageMetadata") or {}
    if usage:
        yield name, usage


def archive(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    raw = path.read_bytes()
    document = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    for number, entry in enumerate(document["log"]["entries"]):
        if entry["request"]["method"] != "POST" or not API.search(
            entry["request"]["url"].split("?")[0]
        ):
            continue
        content = entry["response"]["content"]
        text = content.get("text", "")
        body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
        yield from answer(
            f"{path} {number}", gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        )


def log(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    text = path.read_text("utf-8", "surrogateescape")
    for number, line in enumerate([text] if path.suffix == ".json" else text.splitlines()):
        try:
            whole = json.loads(line)
        except ValueError:
            # a backslash before what it cannot escape stands for itself
            whole = json.loads(re.sub(r'(\\\\|\\["/bfnrtu])|\\', lambda m: m[1] or "\\\\", line))
        if isinstance(whole, dict) and isinstance(whole.get("response"), dict):
            response = whole["response"]
            yield response.get("id", f"{path} {number}"), response.get("usage") or {}


def lines(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    for number, line in enumerate(path.read_text().splitlines()):
        whole = json.loads(line)
        response = whole["response"]
        body = response if isinstance(response, str) else json.dumps(response)
        yield from answer(f"{path} {number}", body.encode())


def trace(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    def inside(requests: list[dict[str, Any]], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, request in enumerate(requests):
            if "requests" in request:
                yield from inside(request["requests"], f"{name}/{number}")
            else:
                yield f"{name}/{number}", request

    yield from inside(json.loads(path.read_bytes())["requests"], str(path))


KINDS = {
    "vcr": cassette,
    "har": archive,
    "litellm": log,
    "jsonl": lines,
    "blocks": trace,
}

if __name__ == "__main__":
    for folder in map(Path, sys.argv[2:]):
        print(folder, dict(totals(sys.argv[1], folder)))
