"""What the engine says of its own cache is true: its report is the longest common token prefix.

With that, and with each edit's place seen in the rendered prompt, the engine can be the judge of a
diagnosis.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import pytest

from tests.llama.bodies import body
from tests.llama.edits import EDITS, Edit
from tests.llama.engine.answer import Api, reply
from tests.llama.engine.fetch import CACHE
from tests.llama.engine.server import Engine
from tests.llama.pairs import Pair, run_pair
from tests.llama.prompt import NEUTRAL

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Case:
    edit: Edit
    api: Api
    stream: bool

    def __str__(self) -> str:
        return f"{self.edit.name}-{self.api.name}{'-streamed' if self.stream else ''}"


STREAMED = (Api.messages, Api.chat)
WHOLE = [Case(edit, api, False) for edit in EDITS for api in edit.apis]
CASES = [*WHOLE, *(replace(case, stream=True) for case in WHOLE if case.api in STREAMED)]
APPENDED = next(edit for edit in EDITS if edit.name == "appended turn")
REPEATED = next(edit for edit in EDITS if edit.name == "identical repeat")


@pytest.fixture(scope="module", params=CASES, ids=str)
def pair(request: pytest.FixtureRequest, engine: Engine, measured: list[Pair]) -> Pair:
    case: Case = request.param
    done = run_pair(engine, case.edit, case.api, stream=case.stream)
    if not case.stream:
        measured.append(done)
    return done


@pytest.fixture(scope="module")
def measured() -> Iterator[list[Pair]]:
    """Collects what was measured; a whole run leaves it as a table beside the fetched engine."""
    pairs: list[Pair] = []
    yield pairs
    if len(pairs) == len(WHOLE):
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "measured.md").write_text("".join(table(pairs)))


def table(pairs: list[Pair]) -> Iterator[str]:
    """A row for each edit; where the APIs differ, all their numbers in the order of ``Api``."""
    yield "| second request | tokens | cached | parts at |\n|---|---:|---:|---|\n"
    for name, group in groupby(pairs, key=lambda pair: pair.edit.name):
        rows = [(pair.sizes[1], pair.cached, pair.where) for pair in group]
        columns = (dict.fromkeys(column) for column in zip(*rows, strict=True))
        yield f"| {name} | {' | '.join(', '.join(map(str, column)) for column in columns)} |\n"


def test_the_report_is_the_longest_common_token_prefix(pair: Pair):
    told_not_to = pair.api in pair.edit.unused
    assert pair.cached == (0 if told_not_to else pair.reusable)


def test_an_emptied_engine_reuses_nothing(pair: Pair):
    assert pair.counts[0].cached == 0


def test_the_report_counts_every_token_of_the_prompt(pair: Pair):
    assert tuple(count.prompt for count in pair.counts) == pair.sizes


def test_the_timings_say_what_the_usage_says(pair: Pair):
    timed = [(count.timed, count.cached) for count in pair.counts if count.timed is not None]
    assert [a for a, _ in timed] == [b for _, b in timed]
    assert bool(timed) == (pair.api is Api.chat)


def test_the_rendered_prompts_part_at_the_place_of_the_edit(pair: Pair):
    place = pair.edit.at(pair.api)
    assert pair.where.partition("[")[0] == place.section
    if place.block is not None:
        assert pair.where == f"{place.section}[{place.block}]"


@pytest.mark.parametrize("stream", [False, True])
def test_timings_of_a_responses_stream_agree_too(engine: Engine, stream: bool):
    second = run_pair(engine, REPEATED, Api.responses, stream=stream).counts[1]
    assert second.cached == second.prompt - 1
    assert second.timed == (second.cached if stream else None)


def test_the_three_apis_make_the_same_tokens_of_one_prompt(engine: Engine):
    prompts: list[str] = []
    for api in Api:
        assert engine.post(api.value, body(api, NEUTRAL)).status == 200
        prompts.append(engine.rendered()[0])
    assert prompts == [engine.applied(body(Api.chat, NEUTRAL))] * len(Api)


def test_a_count_asked_for_beforehand_is_the_count_reported_later(engine: Engine):
    size = len(engine.tokens(engine.applied(body(Api.chat, NEUTRAL))))
    for path, api in (
        ("/v1/messages/count_tokens", Api.messages),
        ("/v1/chat/completions/input_tokens", Api.chat),
        ("/v1/responses/input_tokens", Api.responses),
    ):
        assert engine.post(path, body(api, NEUTRAL)).json["input_tokens"] == size


def test_the_metrics_count_what_the_usage_reports(engine: Engine):
    before = engine.metric("prompt_tokens_cached_total")
    pair = run_pair(engine, APPENDED, Api.messages)
    assert engine.metric("prompt_tokens_cached_total") - before == pair.cached


@pytest.mark.parametrize("api", Api)
def test_a_stream_says_the_same_words_as_one_answer(engine: Engine, api: Api):
    said = [reply(api, run_pair(engine, REPEATED, api, stream=s).answers[0]) for s in (False, True)]
    assert len(said[0].split()) == 8
    assert said[0].split() == said[1].split()


@pytest.mark.parametrize("api", Api)
def test_an_appended_turn_reuses_the_reply_but_its_last_token(engine: Engine, api: Api):
    pair = run_pair(engine, APPENDED, api)
    assert pair.cached == pair.sizes[0] + pair.counts[0].output - 1


@pytest.mark.parametrize("api", Api)
def test_under_the_drifting_template_nothing_of_the_reply_is_reused(
    drifting_engine: Engine, api: Api
):
    pair = run_pair(drifting_engine, APPENDED, api)
    assert pair.cached == pair.reusable == pair.sizes[0]
    assert pair.where == f"messages[{len(NEUTRAL.messages)}]"


def test_the_engine_listens_on_this_machine_alone(engine: Engine):
    assert engine.base_url == f"http://127.0.0.1:{engine.port}"
    assert engine.post("/v1/messages", b"{").status == 400
