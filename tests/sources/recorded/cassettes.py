"""Cassettes in the layouts of the libraries that write them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import brotli  # pyright: ignore[reportMissingTypeStubs]
import yaml

from tests.sources.recorded.writing import Made, http_date, sent, stream, written


def vcrpy(path: Path, *made: Made, streamed: bool = False, packed: str = "", **more: Any) -> Path:
    """As vcrpy 1.0 and later: lists of header values, packed bodies as YAML binary."""
    exchanges = [
        {
            "request": {
                "body": json.dumps(one.request),
                "headers": {"Accept": ["*/*"], "X-Api-Key": ["sk-ant-0123456789abcdefghij"]},
                "method": "POST",
                "uri": one.url,
            },
            "response": {
                "body": {"string": _packed(_text(one, streamed), packed)},
                "headers": {
                    "Date": [http_date(one)],
                    "request-id": [f"req_{one.response['id']}"],
                    **({"Content-Encoding": [packed]} if packed else {}),
                    **more,
                },
                "status": {"code": 200, "message": "OK"},
            },
        }
        for one in made
    ]
    return written(path, yaml.dump({"interactions": exchanges, "version": 1}))


def _text(made: Made, streamed: bool) -> str:
    return stream(made.response) if streamed else json.dumps(made.response)


def _packed(text: str, coding: str) -> str | bytes:
    pack: Mapping[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "br": brotli.compress}
    return pack[coding](text.encode()) if coding else text


def vcrpy_json(path: Path, *made: Made) -> Path:
    """As vcrpy with ``serializer="json"``."""
    whole = yaml.safe_load(vcrpy(path, *made).read_bytes())
    return written(path, json.dumps(whole, indent=4))


def old_vcrpy(path: Path, *made: Made) -> Path:
    """As vcrpy before 1.0: a list, objects of Python, the address in parts, headers as lines."""
    text = ""
    for one in made:
        host, _, rest = one.url.removeprefix("https://").partition("/")
        text += (
            "- request: !!python/object:vcr.request.Request\n"
            f"    body: !!python/unicode {json.dumps(json.dumps(one.request))}\n"
            "    headers: !!python/object/apply:__builtin__.frozenset\n"
            "    - - !!python/tuple [content-type, application/json]\n"
            f"    host: {host}\n    method: POST\n    path: /{rest}\n"
            "    port: 443\n    protocol: https\n"
            "  response:\n"
            f"    body: {{string: !!python/unicode {json.dumps(json.dumps(one.response))}}}\n"
            f'    headers: ["Date: {http_date(one)}\\r\\n", "Server: x\\r\\n"]\n'
            "    status: {code: 200, message: OK}\n"
        )
    return written(path, text)


def ruby(path: Path, *made: Made, exact: bool = False) -> Path:
    """As Ruby's VCR; ``exact``: with ``preserve_exact_body_bytes``."""

    def body(text: str) -> dict[str, str]:
        if exact:
            packed = base64.encodebytes(text.encode()).decode()
            return {"encoding": "ASCII-8BIT", "base64_string": packed}
        return {"encoding": "UTF-8", "string": text}

    exchanges = [
        {
            "request": {
                "method": "post",
                "uri": one.url,
                "body": body(json.dumps(one.request)),
                "headers": {"Authorization": ["Bearer <API_KEY>"]},
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"Content-Type": ["application/json"]},
                "body": body(json.dumps(one.response)),
            },
            "recorded_at": http_date(one),
        }
        for one in made
    ]
    whole = {"http_interactions": exchanges, "recorded_with": "VCR 6.3.1"}
    return written(path, yaml.safe_dump(whole, explicit_start=True))


def betamax(path: Path, *made: Made) -> Path:
    """As betamax: what Ruby's VCR holds, as JSON, with a plain time."""
    whole = yaml.safe_load(ruby(path, *made).read_bytes())
    for one, kept in zip(made, whole["http_interactions"], strict=True):
        kept["recorded_at"] = f"{sent(one):%Y-%m-%dT%H:%M:%S}"
    return written(path, json.dumps(whole))


def r_lang(path: Path, *made: Made) -> Path:
    """As vcr 2.0 of R: a number for the status, one text per header."""
    exchanges = [
        {
            "request": {
                "method": "POST",
                "uri": one.url,
                "body": {"string": json.dumps(one.request)},
            },
            "response": {
                "status": 200,
                "headers": {"date": http_date(one), "content-encoding": "gzip"},
                "body": {"string": json.dumps(one.response)},
            },
        }
        for one in made
    ]
    return written(path, yaml.safe_dump({"http_interactions": exchanges}))


def go(path: Path, *made: Made) -> Path:
    """As go-vcr: one text per body, an address called url, a duration."""
    exchanges = [
        {
            "id": number,
            "request": {"body": json.dumps(one.request), "url": one.url, "method": "POST"},
            "response": {
                "body": json.dumps(one.response),
                "headers": {"Date": [http_date(one)]},
                "status": "200 OK",
                "code": 200,
                "duration": "1.5s",
            },
        }
        for number, one in enumerate(made)
    ]
    return written(path, "---\n" + yaml.safe_dump({"version": 2, "interactions": exchanges}))


def parsed(path: Path, *made: Made) -> Path:
    """With bodies that a serializer has parsed, so that people can read them."""
    exchanges = [
        {
            "request": {"method": "POST", "uri": one.url, "parsed_body": one.request},
            "response": {
                "headers": {"date": [http_date(one)]},
                "parsed_body": one.response,
                "status": {"code": 200, "message": "OK"},
            },
        }
        for one in made
    ]
    return written(path, yaml.safe_dump({"interactions": exchanges, "version": 1}))
