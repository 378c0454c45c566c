"""What comes over the network in pieces."""

from __future__ import annotations

from typing import Any

from tests.sources.otlp.documents import event, logs, span, spans, value
from tests.sources.otlp.test_spellings import CONVENTIONS, NEW, PARTS
from whycold.sources.otlp_joining import Joining
from whycold.sources.otlp_received import Received, looked_over
from whycold.sources.recorded import Seen

HERE = {"traceId": f"{7:032x}", "spanId": f"{1:016x}"}
DETAILS = "gen_ai.client.inference.operation.details"


def came(joining: Joining, *documents: dict[str, Any]) -> list[Seen]:
    return [seen for one in documents for seen in Received(joining, one, 1).calls()]


def test_what_comes_later_makes_the_same_call_whole():
    whole = event(DETAILS, CONVENTIONS | PARTS, 2, eventName=DETAILS, **HERE)
    bare = spans(span(CONVENTIONS))
    first, second = came(Joining(), bare, logs(whole))
    assert (first.call.id, first.again, second.again) == (second.call.id, False, True)
    assert (first.call.prompt.blocks, len(second.call.prompt.blocks)) == ((), 5)


def test_a_document_that_is_given_again_gives_its_calls_again():
    """Nothing may be lost where an order is begun anew."""
    joining = Joining()
    first, second = came(joining, spans(span(NEW)), spans(span(NEW)))
    assert first.call == second.call


def test_a_span_around_that_comes_later_belongs_to_the_call():
    inner = span(CONVENTIONS | {"gen_ai.response.id": "msg_1"}, 2, 0.1, parentSpanId=f"{1:016x}")
    outer = span({k: v for k, v in NEW.items() if k != "gen_ai.response.id"}, 1)
    first, second = came(Joining(), spans(inner), spans(outer))
    assert first.call.id == second.call.id
    assert len(second.call.prompt.blocks) == 5


def test_an_agent_is_told_once_its_span_has_ended():
    said = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "finder"}
    inner = span(CONVENTIONS, 2, 1, parentSpanId=f"{1:016x}")
    first, second = came(Joining(), spans(inner), spans(span(said)))
    assert (first.call.agent, second.call.agent, second.again) == (None, "finder", True)
    assert looked_over(spans(span(said)))[0]


def test_calls_that_nothing_new_is_told_of_are_not_given_again():
    joining = Joining()
    came(joining, spans(span(NEW)))
    other = CONVENTIONS | {"gen_ai.response.id": "msg_2"}
    [seen] = came(joining, spans(span(other, 2)))
    assert (seen.call.reply.message_id, seen.again) == ("msg_2", False)


def message(name: str, content: str, at: float) -> dict[str, Any]:
    return event(name, {}, at, eventName=name) | {"body": value({"content": content})}


def test_messages_that_name_no_span_go_to_the_only_one_under_way():
    asked = logs(message("gen_ai.user.message", "Where is it?", 1))
    answered = logs(event("gen_ai.choice", {}, 1.9, eventName="gen_ai.choice"))
    found = came(Joining(), asked, spans(span(CONVENTIONS)), answered)
    assert [block.value for block in found[0].call.prompt.blocks] == ["Where is it?"]
    assert found[-1].call.id == found[0].call.id


def test_where_two_are_under_way_they_go_to_none():
    other = CONVENTIONS | {"gen_ai.response.id": "msg_2"}
    two = spans(span(CONVENTIONS), span(other, 2, 0.5))
    found = came(Joining(), logs(message("gen_ai.user.message", "Where is it?", 1)), two)
    assert [seen.call.prompt.blocks for seen in found] == [(), ()]


def test_what_is_held_is_bounded():
    joining = Joining()
    for number in range(1, 5000):
        said = CONVENTIONS | {"gen_ai.response.id": f"msg_{number}"}
        assert len(came(joining, spans(span(said, number, number)))) == 1
    assert len(joining) <= 4096
