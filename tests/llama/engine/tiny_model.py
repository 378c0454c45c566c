"""Writes a tiny llama-architecture model of random weights, so that a real llama.cpp server can run
anywhere.

Usage: python -m tests.llama.engine.tiny_model OUT.gguf

What the model says is noise. What the server around it counts is real: how many tokens of a prompt
it took from its cache. Four choices make the file a good ground truth:

- The chat template renders tools, then system, then messages, the order in which hosted APIs read
  a prompt.
- The output layer is zero for all but whole " word" tokens, so a reply is ASCII and falls into the
  very tokens that were sampled: an appended turn can reuse the reply too, as it does with a
  trained model.
- An assistant's turn is rendered as "assistant: words", since the server trims a reply that it
  reads for tool calls; after "assistant" and a line feed the first " word" would come back as
  "word", another token. Real templates do that; ``templates/drift.jinja`` does.
- Full attention and no recurrent state: what is reused is the longest common token prefix and
  nothing else.

The bytes are the same on every machine and Python: the words come from ``corpus``, the weights
from ``random.Random.random`` and arithmetic that IEEE 754 defines to the last bit (no ``gauss``,
no powers). The format is GGUF version 3 (github.com/ggml-org/ggml, docs/gguf.md).
"""

import array
import math
import random
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.llama.engine.bpe import SPACE, Pair, encode_word, train
from tests.llama.engine.corpus import corpus

__all__ = ["TEMPLATES", "tiny_model", "write_tiny_model"]

TEMPLATES = Path(__file__).parent / "templates"

_SEED = 1
_VOCABULARY = 2048
_CONTEXT = 32768
_LAYERS = 1
_WIDTH = 64
_HEADS = 4
_KV_HEADS = 2
_HEAD = _WIDTH // _HEADS
_FEED_FORWARD = 128
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

_ALIGNMENT = 32
_NORMAL, _CONTROL = 1, 3  # llama.cpp's kinds of tokens


def write_tiny_model(path: Path) -> Path:
    """Write the model to ``path`` and return it."""
    path.write_bytes(tiny_model())
    return path


def tiny_model() -> bytes:
    """The GGUF file, about 1.2 MB; takes a quarter of a second."""
    learned, merges = train(corpus(), _VOCABULARY - len(_SPECIAL))
    tokens = [*learned, *_SPECIAL]
    meta = list(_metadata(tokens, merges))
    tensors = list(_tensors(len(tokens), _sayable(learned, merges)))
    index, data = bytearray(), bytearray()
    for tensor in tensors:
        index += tensor.entry(len(data))
        data += _padded(tensor.data())
    counts = struct.pack("<IQQ", 3, len(tensors), len(meta))
    return _padded(b"GGUF" + counts + b"".join(meta) + bytes(index)) + bytes(data)


def _sayable(tokens: Sequence[str], merges: Sequence[Pair]) -> list[int]:
    """Tokens that are a space and three letters or more, and the only way to write that."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    return [
        i
        for i, token in enumerate(tokens)
        if len(token) > 3
        and token[0] == SPACE
        and token[1:].isascii()
        and token[1:].isalpha()
        and encode_word(f" {token[1:]}", ranks) == [token]
    ]


# --- metadata --------------------------------------------------------------------------------

_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _INT32 = 4, 6, 7, 8, 9, 5


def _metadata(tokens: Sequence[str], merges: Sequence[Pair]) -> Iterator[bytes]:
    first_special = len(tokens) - len(_SPECIAL)
    kinds = [_NORMAL] * first_special + [_CONTROL] * len(_SPECIAL)
    template = (TEMPLATES / "plain.jinja").read_text(encoding="utf-8")
    yield _text("general.architecture", "llama")
    yield _text("general.name", "tiny-random")
    for key, number in (
        ("general.file_type", 0),
        ("llama.block_count", _LAYERS),
        ("llama.context_length", _CONTEXT),
        ("llama.embedding_length", _WIDTH),
        ("llama.feed_forward_length", _FEED_FORWARD),
        ("llama.attention.head_count", _HEADS),
        ("llama.attention.head_count_kv", _KV_HEADS),
        ("llama.rope.dimension_count", _HEAD),
        ("llama.vocab_size", len(tokens)),
        ("tokenizer.ggml.bos_token_id", first_special),
        ("tokenizer.ggml.padding_token_id", first_special),
        ("tokenizer.ggml.eos_token_id", len(tokens) - 1),
    ):
        yield _key(key, _UINT32) + struct.pack("<I", number)
    yield _key("llama.attention.layer_norm_rms_epsilon", _FLOAT32) + struct.pack("<f", 1e-5)
    yield _key("llama.rope.freq_base", _FLOAT32) + struct.pack("<f", 1e6)
    yield _key("tokenizer.ggml.add_bos_token", _BOOL) + struct.pack("<?", False)
    yield _text("tokenizer.ggml.model", "gpt2")
    yield _text("tokenizer.ggml.pre", "gpt-2")
    yield _texts("tokenizer.ggml.tokens", tokens)
    yield _texts("tokenizer.ggml.merges", [" ".join(pair) for pair in merges])
    yield _key("tokenizer.ggml.token_type", _ARRAY) + struct.pack(
        f"<IQ{len(kinds)}i", _INT32, len(kinds), *kinds
    )
    yield _text("tokenizer.chat_template", template.removesuffix("\n"))


def _key(name: str, kind: int) -> bytes:
    return _string(name) + struct.pack("<I", kind)


def _text(key: str, value: str) -> bytes:
    return _key(key, _STRING) + _string(value)


def _texts(key: str, values: Sequence[str]) -> bytes:
    items = b"".join(_string(value) for value in values)
    return _key(key, _ARRAY) + struct.pack("<IQ", _STRING, len(values)) + items


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


# --- weights ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tensor:
    """``shape`` has the fastest dimension first, as GGUF wants it; ``values`` are 32-bit floats."""

    name: str
    shape: tuple[int, ...]
    values: "array.array[float]"

    def entry(self, offset: int) -> bytes:
        float32 = 0
        sizes = struct.pack(f"<I{len(self.shape)}Q", len(self.shape), *self.shape)
        return _string(self.name) + sizes + struct.pack("<IQ", float32, offset)

    def data(self) -> bytes:
        little = array.array("f", self.values)
        if sys.byteorder != "little":
            little.byteswap()
        return little.tobytes()


def _tensors(vocabulary: int, sayable: Sequence[int]) -> Iterator[_Tensor]:
    chance = random.Random(_SEED)

    def noise(name: str, columns: int, rows: int, spread: float) -> _Tensor:
        return _Tensor(name, (columns, rows), _noise(chance, columns * rows, spread))

    ones = array.array("f", [1.0] * _WIDTH)
    kv_width = _HEAD * _KV_HEADS
    narrow, wide = 1 / math.sqrt(_WIDTH), 1 / math.sqrt(_FEED_FORWARD)
    yield noise("token_embd.weight", _WIDTH, vocabulary, 1.0)
    for layer in range(_LAYERS):
        part = f"blk.{layer}"
        yield _Tensor(f"{part}.attn_norm.weight", (_WIDTH,), ones)
        yield noise(f"{part}.attn_q.weight", _WIDTH, _WIDTH, narrow)
        yield noise(f"{part}.attn_k.weight", _WIDTH, kv_width, narrow)
        yield noise(f"{part}.attn_v.weight", _WIDTH, kv_width, narrow)
        yield noise(f"{part}.attn_output.weight", _WIDTH, _WIDTH, narrow)
        yield _Tensor(f"{part}.ffn_norm.weight", (_WIDTH,), ones)
        yield noise(f"{part}.ffn_gate.weight", _WIDTH, _FEED_FORWARD, narrow)
        yield noise(f"{part}.ffn_up.weight", _WIDTH, _FEED_FORWARD, narrow)
        yield noise(f"{part}.ffn_down.weight", _FEED_FORWARD, _WIDTH, wide)
    yield _Tensor("output_norm.weight", (_WIDTH,), ones)
    head = array.array("f", bytes(4 * _WIDTH * vocabulary))
    for token in sayable:
        head[token * _WIDTH : (token + 1) * _WIDTH] = _noise(chance, _WIDTH, 1.0)
    yield _Tensor("output.weight", (_WIDTH, vocabulary), head)


def _noise(chance: random.Random, count: int, spread: float) -> "array.array[float]":
    """Even noise around 0 with the given standard deviation."""
    width = spread * math.sqrt(12)
    return array.array("f", ((chance.random() - 0.5) * width for _ in range(count)))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.llama.engine.tiny_model OUT.gguf")
    print(write_tiny_model(Path(sys.argv[1])))
