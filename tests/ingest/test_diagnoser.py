"""Requests, what came back, and what a later one is told of the difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from whycold.diagnose import diagnose
from whycold.ingest.diagnoser import Diagnoser
from whycold.providers.registry import read_call, rules_for
from whycold.sources.proxy.asking import Came, Compared, Sent
from whycold.sources.served import Served
from whycold.store.records import Capture, Record

Json = dict[str, Any]
SYSTEM = "You are careful."
HIT = {"input_tokens": 900, "input_tokens_details": {"cached_tokens": 0}}


def nothing(id: str) -> Record | None:
    return None


class Talk:
    """A proxy's side of the conversation with a diagnoser."""

    def __init__(self, find: Callable[[str], Record | None] = nothing) -> None:
        self.diagnoser = Diagnoser(Served({}), find)
        self.last = 0

    def ask(
        self, body: Json, account: str = "a", upstream: str = "anthropic", link: int = 1
    ) -> Compared | None:
        self.last += 1
        target = "/v1/messages?beta=true" if "messages" in body else "/v1/responses"
        data = json.dumps(body).encode()
        return self.diagnoser.sent(link, Sent(self.last, upstream, account, target, {}, data))

    def came(self, reply: Json, status: int = 200, link: int = 1, **headers: str) -> None:
        data = json.dumps(reply).encode()
        self.diagnoser.came(link, Came(self.last, status, headers, data))


def message(text: str = "Hello.", previous: str | None = None, **more: Any) -> Json:
    return {
        "model": "m",
        "system": SYSTEM,
        "messages": [{"role": "user", "content": text}],
        "diagnostics": {"previous_message_id": previous},
        **more,
    }


def reply(id: str = "msg_1") -> Json:
    return {"id": id, "type": "message", "usage": {"input_tokens": 90, "output_tokens": 1}}


def reason(told: Compared | None) -> Json | None:
    assert told is not None
    found = json.loads(told.answer)
    assert found is None or found["answered_by"] == "whycold"
    return found and found["cache_miss_reason"]


NOT_FOUND = {"type": "previous_message_not_found"}


def test_a_first_turn_has_nothing_to_be_compared_with():
    assert reason(Talk().ask(message())) is None


def test_a_message_that_was_answered_can_be_named():
    talk = Talk()
    talk.ask(message())
    talk.came(reply())
    assert reason(talk.ask(message(previous="msg_1"))) is None
    assert reason(talk.ask(message(previous="msg_1", system="Be quick."))) == {
        "type": "system_changed",
        "cache_missed_input_tokens": 90,
    }


@pytest.mark.parametrize(
    "other",
    [{"account": "b"}, {"upstream": "local"}],
    ids=["of another key", "of another upstream"],
)
def test_a_message_is_not_found(other: Json):
    talk = Talk()
    talk.ask(message())
    talk.came(reply())
    assert reason(talk.ask(message(previous="msg_1"), **other)) == NOT_FOUND
    assert reason(talk.ask(message(previous="msg_2"))) == NOT_FOUND


def test_a_call_that_failed_is_not_found():
    talk = Talk()
    talk.ask(message())
    talk.came(reply(), status=529)
    assert reason(talk.ask(message(previous="msg_1"))) == NOT_FOUND


def test_an_answer_that_was_cut_can_be_named():
    talk = Talk()
    talk.ask(message())
    event = b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1"}}\n\n'
    talk.diagnoser.came(1, Came(talk.last, 200, {}, event))
    assert reason(talk.ask(message(previous="msg_1"))) is None


def test_connections_number_their_requests_by_themselves():
    talk = Talk()
    talk.ask(message("One."), link=1)
    talk.last = 0
    talk.ask(message("Two."), link=2)
    talk.came(reply("msg_2"), link=2)
    talk.came(reply("msg_1"), link=1)
    assert reason(talk.ask(message("One.", "msg_1"))) is None
    assert reason(talk.ask(message("Two.", "msg_2"))) is None


def test_what_a_broken_connection_had_asked_is_forgotten():
    talk = Talk()
    talk.ask(message())
    talk.diagnoser.gone(1)
    talk.came(reply())
    assert reason(talk.ask(message(previous="msg_1"))) == NOT_FOUND


def test_a_body_that_is_no_json_is_not_compared():
    talk = Talk()
    assert talk.diagnoser.sent(1, Sent(1, "anthropic", None, "/v1/messages", {}, b"{")) is None


def test_a_header_that_the_server_masks_is_no_difference_once_it_has_told_its_name():
    talk = Talk()
    systems = [f"x-anthropic-billing-header: cc_version=2; cch={c * 5};\nBe." for c in "ab"]
    talk.ask(message(system=systems[0]))
    talk.came(reply(), server="llama.cpp")
    assert reason(talk.ask(message(previous="msg_1", system=systems[1]))) is None


def response(*texts: str, compared: str | None = None, **more: Any) -> Json:
    options = {"prompt_cache_options": {"comparison_response_id": compared}} if compared else {}
    items = [{"role": "user", "content": text} for text in texts]
    return {"model": "m", "input": items, **options, **more}


def done(id: str, **more: Any) -> Json:
    output = [{"type": "message", "role": "assistant", "content": "Yes."}]
    return {"id": id, "object": "response", "status": "completed", "output": output, **more}


def test_a_response_is_told_what_a_hit_is_and_which_tier_was_used():
    talk = Talk()
    assert talk.ask(response("One.")) is None
    talk.came(done("resp_1", usage=HIT, service_tier="default"))
    told = talk.ask(response("Two.", compared="resp_1"))
    assert told is not None
    assert json.loads(told.answer)["reason"] == "input_changed"
    assert told.hit_at == 900 - 127  # an older model's counts are multiples of 128
    assert (told.tier, json.loads(told.of_tier or b"")["reason"]) == (
        "default",
        "service_tier_changed",
    )


def test_another_model_is_told_before_another_tier():
    talk = Talk()
    talk.ask(response("One."))
    talk.came(done("resp_1", usage=HIT, service_tier="default"))
    told = talk.ask(response("One.", compared="resp_1", model="n"))
    assert told is not None
    assert told.of_tier is None


def test_a_response_that_nobody_knows_is_not_found():
    told = Talk().ask(response("One.", compared="resp_1"))
    assert told is not None
    assert json.loads(told.answer)["type"] == "comparison_response_not_found"


def test_a_conversation_that_the_server_keeps_is_put_together():
    talk = Talk()
    talk.ask(response("One."))
    talk.came(done("resp_1", usage=HIT))
    talk.ask(response("Two.", previous_response_id="resp_1"))
    talk.came(done("resp_2", usage=HIT))
    onward = response("Three.", compared="resp_2", previous_response_id="resp_2")
    told = talk.ask(onward)
    assert told is not None
    assert json.loads(told.answer)["type"] == "unavailable"  # equal: the usage tells of a hit
    other = talk.ask(onward | {"instructions": "No."})
    assert other is not None
    assert json.loads(other.answer)["reason"] == "input_changed"


def kept(body: Json, capture: Capture = Capture.full, account: str = "a") -> Record:
    origin = {"account": account, "host": "anthropic"}
    at = datetime(2026, 11, 23, tzinfo=UTC)
    call = read_call(body, reply(), id="1", at=at, provider="anthropic", origin=origin)
    return Record(call, diagnose([call], rules_for)[0], capture)


def test_what_an_earlier_process_recorded_is_known():
    talk = Talk({"msg_1": kept(message())}.get)
    assert reason(talk.ask(message(previous="msg_1"))) is None
    other = reason(talk.ask(message("Bye.", previous="msg_1")))
    assert other is not None
    assert other["type"] == "messages_changed"


def opted_out() -> Json:
    body = message()
    del body["diagnostics"]
    return body


@pytest.mark.parametrize(
    "record",
    [kept(opted_out()), kept(message(), account="b"), kept(message(), Capture.hash)],
    ids=["that did not opt in", "of another key", "of which no text is kept"],
)
def test_a_recorded_call_is_not_found(record: Record):
    talk = Talk({"msg_1": record}.get)
    assert reason(talk.ask(message(previous="msg_1"))) == NOT_FOUND
