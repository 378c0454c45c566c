"""The other agents of the demo: support, triage, grading, analysis, and one on a laptop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from whycold.core.content import Json
from whycold.frontends.demo import systems, toolbox
from whycold.frontends.demo.coding import SONNET
from whycold.frontends.demo.format_anthropic import AnthropicFormat
from whycold.frontends.demo.format_chat import ChatFormat
from whycold.frontends.demo.format_responses import ResponsesFormat
from whycold.frontends.demo.handbooks import SHOP_ARTICLES, handbook
from whycold.frontends.demo.pieces import Message
from whycold.frontends.demo.talk import Answer, Talk, Use, Who
from whycold.frontends.demo.world import Script, World

__all__ = [
    "Chat",
    "analysing",
    "analyst",
    "field",
    "grading",
    "judge",
    "mailer",
    "mailing",
    "noting",
    "supporter",
    "supporting",
    "triager",
    "triaging",
]

_ANTHROPIC, _RESPONSES = AnthropicFormat(), ResponsesFormat()
_DEEPSEEK, _LLAMA = ChatFormat("deepseek"), ChatFormat("llama.cpp")
_HELPDESK, _PLATFORM, _EVALS = "41c7aa0e", "b2d04f17", "77e1c5b9"


def supporter(world: World, client: str, rules: str) -> Talk:
    """A customer's chat; ``rules`` is the handbook."""
    talk = Talk(
        Who("helpdesk", "chat", client, "anthropic", _HELPDESK),
        world.prose.uuid(),
        _ANTHROPIC,
        SONNET,
        marks=("1h", "5m"),
    )
    talk.tools = [_ANTHROPIC.tool(tool) for tool in toolbox.SUPPORT]
    talk.system = [_ANTHROPIC.system(systems.SUPPORT + rules)]
    talk.asked(world.prose.question())
    return talk


@dataclass(frozen=True, slots=True)
class Chat:
    """How a chat goes: its ``turns``; ``clock``: the prompt begins with the time of each request;
    ``away``: the turn before which a colleague writes for a while; ``summed``: a summary is made.
    """

    turns: int
    clock: bool = False
    away: int | None = None
    summed: bool = False


def supporting(talk: Talk, world: World, chat: Chat) -> Script:
    """A chat with a customer."""
    rules = talk.system
    for turn in range(chat.turns):
        wait = world.chance.uniform(20, 150) if turn else 1.0
        if turn and turn == chat.away:
            wait = 250
            for _ in range(12):
                talk.asked(world.prose.question())
                talk.messages.append(talk.format.said(Answer(world.prose.reply(3))))
        if turn:
            talk.asked(world.prose.question())
        if chat.clock:
            now = world.now + timedelta(seconds=wait)
            time = f"Current time: {now:%Y-%m-%d %H:%M:%S} UTC."
            talk.system = [talk.format.system(time), *rules]
        talk.answer = Answer(world.prose.reply(world.chance.randint(1, 4)))
        talk.begins = 0.9 + world.chance.random()
        yield wait
    if chat.summed:
        summary = replace(talk, who=replace(talk.who, agent="wrap-up"), marks=("", ""))
        summary.messages = [*talk.messages, talk.format.asked(systems.WRAP_UP)]
        summary.answer = Answer(world.prose.reply(3))
        world.later(summary, iter([6.0]))


def mailer(world: World, client: str) -> Talk:
    """Answers one mail; its prompt begins with the customer."""
    talk = Talk(
        Who("helpdesk", "mail", client, "anthropic", _HELPDESK),
        world.prose.uuid(),
        _ANTHROPIC,
        SONNET,
        marks=("5m", ""),
    )
    customer = f"Customer id: {world.chance.randint(10_000, 99_999)}\nPlan: standard"
    rules = systems.SUPPORT + handbook("mail", 60)
    talk.system = [_ANTHROPIC.system(customer), _ANTHROPIC.system(rules)]
    return talk


def mailing(talk: Talk, world: World) -> Script:
    """One mail."""
    talk.asked("\n\n".join(world.prose.question() for _ in range(3)))
    talk.answer = Answer(world.prose.reply(5))
    yield 1.0


def triager(world: World, client: str) -> Talk:
    """A run over new issues."""
    talk = Talk(
        Who("platform", "triage", client, "openai", _PLATFORM),
        world.prose.uuid(),
        _RESPONSES,
        "gpt-5.6",
        settings={"reasoning": {"effort": "low"}},
    )
    talk.tools = [_RESPONSES.tool(tool) for tool in toolbox.GITHUB]
    talk.system = [_RESPONSES.system(systems.TRIAGE + handbook("areas", 70))]
    numbers = sorted(world.chance.sample(range(4000, 4900), 6))
    talk.asked("New issues: " + ", ".join(f"#{n}" for n in numbers))
    return talk


def triaging(talk: Talk, world: World, steps: int, connected: tuple[int, ...] = ()) -> Script:
    """Look at issues; at the steps ``connected`` the MCP server is connected anew, and lists its
    tools the other way round.
    """
    result = ""
    for step in range(steps):
        if step:
            talk.results(result)
        if step in connected:
            talk.tools = talk.tools[::-1]
            talk.verdict = {
                "type": "cache_miss",
                "reason": "tools_changed",
                "cache_missed_tokens": talk.tokens,
            }
        tool = world.chance.choice(toolbox.GITHUB[:6])
        given: dict[str, Json] = {
            "owner": "storefront",
            "repo": "shop",
            "query": str(world.chance.randint(4000, 4899)),
        }
        use = Use(f"call_{world.prose.word(24)}", tool.name, given)
        talk.answer = Answer(world.prose.remark(), (use,))
        result = world.prose.article("Issue", world.chance.randint(8, 60))
        talk.begins = 1.5 + world.chance.random()
        yield world.chance.uniform(4, 14)


def judge(world: World, client: str, case: str | None) -> Talk:
    """Grades one answer; ``case`` is an id at the beginning of its prompt."""
    talk = Talk(
        Who("evals", "judge", client, "anthropic", _EVALS),
        world.prose.uuid(),
        _ANTHROPIC,
        SONNET,
        marks=("5m", ""),
    )
    rules = _ANTHROPIC.system(systems.JUDGE + handbook("shop", SHOP_ARTICLES))
    talk.system = [*([_ANTHROPIC.system(f"Case id: {case}")] if case else []), rules]
    return talk


def grading(talk: Talk, world: World, wait: float) -> Script:
    """One question and its answer, after so many seconds."""
    talk.asked(f"Question: {world.prose.question()}\n\nAnswer: {world.prose.reply(2)}")
    talk.begins = 1.6
    talk.answer = Answer(f"Truth 4. Completeness 5. Tone 5. {world.prose.remark()}")
    yield wait


def analyst(world: World, client: str) -> Talk:
    """A notebook's assistant, on DeepSeek."""
    talk = Talk(
        Who("insights", "notebook", client, "deepseek", "0c93de51"),
        world.prose.uuid(),
        _DEEPSEEK,
        "deepseek-chat",
    )
    talk.tools = [_DEEPSEEK.tool(tool) for tool in toolbox.NOTEBOOK]
    talk.system = [_DEEPSEEK.system(systems.ANALYST + handbook("tables", 50))]
    day = world.chance.randint(1, 28)
    talk.asked(f"How did the {world.prose.fill('{n}')} do since {day} October, by country?")
    return talk


def analysing(talk: Talk, world: World, steps: int, rebuilt: int | None = None) -> Script:
    """Queries; before step ``rebuilt`` the history is read from a database that keeps the keys of
    objects in an order of its own.
    """
    turns: list[tuple[Answer, str]] = []
    for step in range(steps):
        if step:
            talk.results(turns[-1][1])
        if step == rebuilt:
            talk.messages = [talk.messages[0], *_rebuilt(talk, turns)]
        limit = world.chance.choice((100, 200, 500))
        sql = f"SELECT day, country, sum(orders) FROM shop.{world.prose.fill('{n}')}s GROUP BY 1, 2"
        given: dict[str, Json] = {"sql": sql, "limit": limit, "dry_run": False}
        use = Use(f"call_{world.prose.word(20)}", "run_query", given)
        talk.answer = Answer(world.prose.remark(), (use,))
        turns.append((talk.answer, world.prose.rows(world.chance.randint(20, 120))))
        yield world.chance.uniform(12, 160) if step else 1.0


def _rebuilt(talk: Talk, turns: list[tuple[Answer, str]]) -> list[Message]:
    out = list[Message]()
    for answer, result in turns:
        uses = tuple(Use(u.id, u.name, dict(sorted(u.given.items()))) for u in answer.uses)
        out.append(talk.format.said(Answer(answer.text, uses)))
        out += talk.format.results([(use.id, result) for use in uses])
    return out


def field(world: World, client: str) -> Talk:
    """A conversation with a model on the laptop."""
    talk = Talk(
        Who("field-notes", "main", client, "workstation"),
        world.prose.uuid(),
        _LLAMA,
        "qwen3-coder-30b",
    )
    talk.system = [_LLAMA.system(systems.FIELD)]
    talk.asked(world.prose.task() + "\n\n" + world.prose.source(3))
    talk.begins = 5.0
    return talk


def noting(talk: Talk, world: World, steps: int, beside: int | None = None) -> Script:
    """Short answers; before step ``beside`` the same slot answers in another conversation."""
    for step in range(steps):
        if step == beside:
            other = field(world, talk.who.client)
            world.later(other, noting(other, world, 1))
        if step:
            talk.asked(f"{world.prose.follow_up()}\n\n{world.prose.source(2)}")
        talk.answer = Answer(world.prose.remark() + "\n\n" + world.prose.source(1))
        yield world.chance.uniform(40, 120) if step else 1.0
