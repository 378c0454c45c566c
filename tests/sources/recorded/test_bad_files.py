"""Files that are broken, or made to break something: told in one line each, and passed over."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import brotli  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from tests.sources.recorded import cassettes
from tests.sources.recorded.writing import calls, conversation, sums, troubles, turn, written
from whycold.errors import UserError
from whycold.sources.blocks import Blocks
from whycold.sources.har import Har
from whycold.sources.jsonl import Jsonl
from whycold.sources.litellm import LiteLlm
from whycold.sources.recorded import Source
from whycold.sources.vcr import Vcr
from whycold.sources.vcr_yaml import items

KINDS: dict[str, tuple[Any, str]] = {
    "vcr": (Vcr, ".yaml"),
    "vcr, JSON": (Vcr, ".json"),
    "har": (Har, ".har"),
    "litellm": (LiteLlm, ".json"),
    "litellm, lines": (LiteLlm, ".jsonl"),
    "jsonl": (Jsonl, ".jsonl"),
    "blocks": (Blocks, ".json"),
    "blocks, lines": (Blocks, ".jsonl"),
}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE: dict[str, bytes] = {
    "nested deeply": b"[" * 10_000,
    "nested deeply, closed": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a long key": b'{"' + b"k" * 10_000_000 + b'": 1}\n',
    "a long number": b'{"request": ' + b"9" * 100_000 + b"}\n",
    "not UTF-8": "interactions: [gr\xfc\xdfe]\n".encode("latin-1"),
    "UTF-16": "interactions: []\n".encode("utf-16"),
    "zeros": b"\0" * 4096,
    "nothing": b"",
    "blanks": b" \n\n ",
    "binary": bytes(range(256)) * 64,
    "a list": b"[1, 2, 3]\n",
    "a word": b'"yes"\n',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_read_is_told_in_at_most_one_line(kind: str, content: bytes, tmp_path: Path):
    read, suffix = KINDS[kind]
    written(tmp_path / f"bad{suffix}", content)
    source: Source = read([tmp_path])
    lines = troubles(source)
    assert calls(source) == []
    assert len(lines) <= 1 and all(len(line) < 400 and "\n" not in line for line in lines)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * (1 << 20)) for _ in range(300)) + packer.flush()


@pytest.mark.parametrize("kind", ["vcr", "litellm", "jsonl"])
def test_a_packed_bomb_is_not_unpacked(kind: str, bomb: bytes, tmp_path: Path):
    read, suffix = KINDS[kind]
    written(tmp_path / f"bomb{suffix}.gz", bomb)
    source: Source = read([tmp_path / f"bomb{suffix}.gz"])
    assert calls(source) == []
    assert len(source.troubles) <= 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{BOMB}interactions: [*i]\n", "holds more than 1,000,000 values, with its aliases"),
        ("interactions: &a [*a]\n", "holds an alias of nothing, or of itself"),
        ("interactions: [*b]\n", None),
        ("interactions:\n- a: 'b\n", "is no YAML in line"),
        ("interactions: [" * 300, "is nested deeper than 200 levels"),
    ],
)
def test_hostile_yaml_is_refused(text: str, why: str | None, tmp_path: Path):
    written(tmp_path / "a.yaml", text)
    (line,) = troubles(Vcr([tmp_path]))
    assert (why or "a.yaml: ") in line


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch MADE']",
        "!!python/object/new:subprocess.Popen [['touch', 'MADE']]",
        "!!python/name:os.system",
        "!ruby/object:Gem::Installer {i: x}",
    ],
)
def test_no_tag_of_yaml_makes_anything(tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    list(items(f"interactions:\n- request: {tag}\n".encode()))
    assert list(tmp_path.iterdir()) == []


def test_merged_keys_are_read_and_counted():
    text = "base: &b {method: POST, uri: x}\ninteractions:\n- request: {<<: *b, uri: y}\n"
    (item,) = items(text.encode())
    assert item.value == {"request": {"method": "POST", "uri": "y"}}


def test_aliases_of_what_was_written_once_are_followed(tmp_path: Path):
    """PyYAML writes a value that stands in two places once."""
    headers = {"Date": ["Mon, 02 Mar 2026 10:00:00 GMT"]}
    made = [
        {
            "request": {"method": "POST", "uri": one.url, "body": json.dumps(one.request)},
            "response": {"body": {"string": json.dumps(one.response)}, "headers": headers},
        }
        for one in conversation()
    ]
    text = yaml.safe_dump({"interactions": made, "version": 1})
    assert "*id001" in text
    written(tmp_path / "a.yaml", text)
    assert sums(Vcr([tmp_path]))["calls"] == 3


def test_what_comes_before_a_cut_is_there(tmp_path: Path):
    path = cassettes.vcrpy(tmp_path / "a.yaml", *conversation())
    text = path.read_bytes()
    path.write_bytes(text[: len(text) * 3 // 4])
    source = Vcr([tmp_path])
    assert sums(source)["calls"] == 2
    assert "is no YAML in line" in source.troubles[0].what


def test_what_comes_before_a_cut_of_a_packed_file_is_there(tmp_path: Path):
    path = cassettes.vcrpy(tmp_path / "a.yaml", *conversation())
    packed = gzip.compress(path.read_bytes(), compresslevel=0)
    path.unlink()
    written(tmp_path / "a.yaml.gz", packed[: len(packed) * 3 // 4])
    source = Vcr([tmp_path])
    assert sums(source)["calls"] == 2
    assert source.troubles[0].what.startswith("is cut off (gzip)")


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_a_body_that_unpacks_without_end_leaves_a_call_without_usage(coding: str, tmp_path: Path):
    plain = b" " * (80 << 20)
    packed = gzip.compress(plain) if coding == "gzip" else brotli.compress(plain, quality=1)
    body = base64.b64encode(packed).decode()
    path = cassettes.vcrpy(tmp_path / "a.yaml", turn(0, wrote=3000))
    whole = yaml.safe_load(path.read_bytes())
    response = whole["interactions"][0]["response"]
    response["body"] = {"base64_string": body}
    response["headers"]["Content-Encoding"] = [coding]
    written(path, yaml.safe_dump(whole))
    (call,) = calls(Vcr([tmp_path]))
    assert call.usage.input is None


def test_items_of_a_document_that_ends_badly_are_given_first():
    found = items(b"interactions:\n- a: 1\n- b: 2\n- {c: \n")
    assert [next(found).value, next(found).value] == [{"a": 1}, {"b": 2}]
    with pytest.raises(UserError, match="is no YAML in line"):
        next(found)


def test_a_folder_goes_on_behind_a_bad_file(tmp_path: Path):
    written(tmp_path / "a.yaml", HOSTILE["nested deeply"])
    cassettes.vcrpy(tmp_path / "b.yaml", *conversation())
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    assert sums(Vcr([tmp_path]))["calls"] == 3
