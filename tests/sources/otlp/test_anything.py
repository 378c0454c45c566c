"""Whatever stands under the names that are known: no error, and no call lost beside it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.sources.otlp.documents import event, logs, span, spans
from tests.sources.otlp.test_spellings import CONVENTIONS, INFERENCE, NEW, OLD, PARTS
from whycold.sources.otlp_joining import Joining
from whycold.sources.otlp_received import Received

WORDS = st.sampled_from(
    [
        "role",
        "parts",
        "type",
        "content",
        "text",
        "tool_call",
        "system",
        "user",
        "tool",
        "name",
        "id",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)
NAMES = sorted({*NEW, *OLD, *INFERENCE, "metadata", "input.value", "anthropic.beta", "duration_ms"})
EVENTS = ("gen_ai.user.message", "gen_ai.choice", "claude_code.api_request", "api_request_body")
SCOPES = ("", "openinference.instrumentation.anthropic", "com.anthropic.sdk.python")


def written(plain: Any) -> dict[str, Any]:
    """A value as OTLP has it, where that has such a one; else as it is."""
    if isinstance(plain, list):
        return {"arrayValue": {"values": list(map(written, plain))}}
    if isinstance(plain, dict):
        pairs = [{"key": key, "value": written(item)} for key, item in plain.items()]
        return {"kvlistValue": {"values": pairs}}
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return {kind.get(type(plain), "stringValue"): plain}


SAID = st.dictionaries(
    st.sampled_from(NAMES),
    ANYTHING.map(written) | ANYTHING.map(json.dumps).map(written),
    max_size=8,
)


@given(SAID, st.sampled_from(EVENTS), ANYTHING, st.sampled_from(SCOPES))
def test_nothing_that_is_said_of_one_call_harms_another(
    said: dict[str, Any], name: str, body: Any, scope: str
):
    more = [{"key": key, "value": given} for key, given in said.items()]
    odd = span(CONVENTIONS | {"gen_ai.response.id": "msg_1"}, 1)
    odd["attributes"] += more
    record = event(name, PARTS, 1) | {"body": written(body), "attributes": more}
    joining = Joining()
    good = CONVENTIONS | {"gen_ai.response.id": "msg_9"}
    documents = [spans(odd, scope=scope), logs(record, scope=scope), spans(span(good, 9, 99))]
    found = [seen for one in documents for seen in Received(joining, one, 1).calls()]
    assert "msg_9" in [seen.call.reply.message_id for seen in found]
