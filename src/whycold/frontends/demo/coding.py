"""The coding agent of the demo: what it is made of, and how a session with it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from whycold.core.content import Json
from whycold.frontends.demo import systems, toolbox
from whycold.frontends.demo.format_anthropic import AnthropicFormat
from whycold.frontends.demo.handbooks import handbook
from whycold.frontends.demo.pieces import Piece
from whycold.frontends.demo.talk import Answer, Talk, Use, Who
from whycold.frontends.demo.world import Script, World

__all__ = [
    "HAIKU",
    "OPUS",
    "SONNET",
    "Event",
    "coder",
    "coding",
    "explorer",
    "exploring",
    "reviewer",
    "reviewing",
    "title",
]

Event = Callable[[Talk, World], float]
"""Something that happens to a session before a request; the seconds that it takes, 0 for as long as
usual."""

_ANTHROPIC = AnthropicFormat()
_ACCOUNTS = {"storefront": "9f31c0d2", "payments": "5d20b7e6", "mobile-app": "c8a4170b"}
"""A workspace, and so a cache, of its own for each project."""
_ARTICLES = 60
_OVERLOADED = 0.002
OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"


def coder(world: World, project: str, client: str, day: date) -> Talk:
    """A session in a repository, its first message included."""
    talk = Talk(
        Who(project, "main", client, "anthropic", _ACCOUNTS[project]),
        world.prose.uuid(),
        _ANTHROPIC,
        OPUS,
        marks=("1h", "5m"),
    )
    talk.tools = [_ANTHROPIC.tool(tool) for tool in toolbox.CODER]
    notes = systems.NOTES.format(project=project) + handbook(project, _ARTICLES)
    talk.system = [_ANTHROPIC.system(systems.CODER + notes), _environment(project, day)]
    talk.asked(world.prose.task())
    return talk


def _environment(project: str, day: date) -> Piece:
    return _ANTHROPIC.system(
        f"<env>\nWorking directory: /home/dev/{project}\nPlatform: linux\nShell: bash\n"
        f"Is directory a git repo: yes\nToday's date: {day}\n</env>"
    )


def coding(
    talk: Talk, world: World, steps: int, events: Mapping[int, Event] | None = None
) -> Script:
    """Work with tools; now and then the agent is done, and the person says what is next.

    The client writes the date into each request, as it is then.
    """
    results: list[str] = []
    for step in range(steps):
        wait = world.chance.uniform(5, 24)
        if step and talk.answer.uses:
            talk.results(*results)
        elif step:
            talk.asked(world.prose.follow_up())
            wait = world.chance.uniform(35, 230)
        if events and step in events:
            wait = events[step](talk, world) or wait
        day = (world.now + timedelta(seconds=wait)).date()
        talk.system[1] = _environment(talk.who.project, day)
        talk.answer, results = _work(world, done=world.chance.random() < 0.11)
        talk.begins = 1.2 + talk.tokens / 60_000 + world.chance.random()
        talk.refused = world.chance.random() < _OVERLOADED
        yield wait


def _work(world: World, *, done: bool) -> tuple[Answer, list[str]]:
    """The next answer, with what the tools that it calls will give."""
    if done:
        return Answer(" ".join(world.prose.remark() for _ in range(4))), []
    chosen = [world.chance.choice(_WORK)(world)]
    while world.chance.random() < 0.22 and len(chosen) < 4:
        chosen.append(_read(world))
    uses = tuple(Use(f"toolu_01{world.prose.word(22)}", name, given) for name, given, _ in chosen)
    return Answer(world.prose.remark(), uses), [result for _, _, result in chosen]


_Work = tuple[str, dict[str, Json], str]


def _read(world: World) -> _Work:
    prose = world.prose
    functions = world.chance.randint(3, 12)
    return "Read", {"file_path": f"/home/dev/{prose.path()}"}, prose.source(functions)


def _bash(world: World) -> _Work:
    given: dict[str, Json] = {"command": "make test", "description": "Run the tests"}
    return "Bash", given, world.prose.test_run(world.chance.randint(12, 70))


def _grep(world: World) -> _Work:
    given: dict[str, Json] = {"pattern": world.prose.fill("{v}_{n}"), "output_mode": "content"}
    return "Grep", given, world.prose.hits(world.chance.randint(6, 45))


def _edit(world: World) -> _Work:
    path, old, new = world.prose.path(), *(world.prose.source(1)[400:900] for _ in range(2))
    given: dict[str, Json] = {"file_path": path, "old_string": old, "new_string": new}
    return "Edit", given, f"The file {path} has been updated."


_WORK: tuple[Callable[[World], _Work], ...] = (_read, _read, _read, _bash, _grep, _edit)


def explorer(world: World, parent: Talk) -> Talk:
    """A subagent that searches for a session."""
    talk = Talk(
        Who(parent.who.project, "explore", parent.who.client, "anthropic", parent.who.account),
        parent.session,
        _ANTHROPIC,
        HAIKU,
        marks=("5m", "5m"),
    )
    names = ("Read", "Grep", "Glob", "Bash")
    talk.tools = [_ANTHROPIC.tool(tool) for tool in toolbox.CODER if tool.name in names]
    talk.system = [_ANTHROPIC.system(systems.EXPLORER)]
    talk.asked(f"Find every place that matters for this, and report: {world.prose.task()}")
    return talk


def exploring(talk: Talk, world: World, steps: int) -> Script:
    """Search without a person."""
    results: list[str] = []
    for step in range(steps):
        if step:
            talk.results(*results)
        talk.answer, results = _work(world, done=step == steps - 1)
        talk.begins = 0.6 + world.chance.random() / 2
        yield world.chance.uniform(4, 11) if step else 0.5


def reviewer(world: World, project: str, client: str) -> Talk:
    """An agent that looks at a change in CI."""
    talk = Talk(
        Who(project, "review", client, "anthropic", _ACCOUNTS[project]),
        world.prose.uuid(),
        _ANTHROPIC,
        SONNET,
        marks=("5m", "5m"),
    )
    names = ("Read", "Grep", "Glob")
    own = [tool for tool in toolbox.CODER if tool.name in names]
    talk.tools = [_ANTHROPIC.tool(tool) for tool in (*own, toolbox.VERDICT)]
    talk.system = [_ANTHROPIC.system(systems.REVIEWER)]
    diff = "\n".join("+" + line for line in world.prose.source(4).splitlines())
    talk.asked(f"Review this change.\n\n```diff\n{diff}\n```")
    return talk


def reviewing(talk: Talk, world: World, steps: int, *, forced: bool) -> Script:
    """Read around a change, then hand in the review; ``forced``: by the tool choice."""
    results: list[str] = []
    for step in range(steps):
        if step:
            talk.results(*results)
        talk.answer, results = _work(world, done=False)
        if step == steps - 1:
            if forced:
                talk.settings["tool_choice"] = {"type": "tool", "name": "submit_review"}
            given: dict[str, Json] = {"verdict": "comment", "summary": world.prose.remark()}
            talk.answer = Answer(
                "", (Use("toolu_01" + world.prose.word(22), "submit_review", given),)
            )
        yield world.chance.uniform(4, 15)


def title(world: World, parent: Talk) -> Talk:
    """The small call that names a session."""
    talk = Talk(
        Who(parent.who.project, "title", parent.who.client, "anthropic", parent.who.account),
        parent.session,
        _ANTHROPIC,
        HAIKU,
        marks=("5m", ""),
    )
    talk.system = [_ANTHROPIC.system(systems.TITLE)]
    talk.asked(world.prose.task())
    talk.answer = Answer(world.prose.fill("{v} the {n}").capitalize())
    return talk
