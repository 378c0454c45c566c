"""The official client, over pipes and over HTTP: tools, resources, refusals, values, sizes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.frontends.command import whycold
from tests.frontends.mcp.asked import Answered, over_http, over_stdio, tool
from tests.frontends.web.asked import ask
from tests.traffic import recorded
from whycold import causes
from whycold.frontends.filters import FILTERS
from whycold.frontends.web.server import Dashboard, application

BODY: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "max_tokens": 100,
    "system": "It is 09:09:02.",
    "messages": [{"role": "user", "content": "Hello"}],
}
LATER: dict[str, Any] = {**BODY, "system": "It is 09:11:15."}
WEEKS = {"since": "2026-11-01", "until": "2026-11-24"}
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("mcp"))


@pytest.fixture(params=["stdio", "http"])
def way(request: pytest.FixtureRequest, url: str) -> Ask:
    if request.param == "stdio":
        return lambda question: over_stdio(url, question)
    app = application(Dashboard(url, "no-spool"))
    return lambda question: over_http(app, question)


def http(url: str, name: str, **arguments: Any) -> Answered:
    """One call of a tool on the dashboard's port."""
    app = application(Dashboard(url, "no-spool"))
    return over_http(app, lambda client: tool(client, name, **arguments))


def told(url: str, *words: str) -> Any:
    return json.loads(whycold(*words, "--json", "--store", url).out)


def test_the_tools_are_there_and_say_that_they_only_read(way: Ask):
    async def question(client: Client):
        assert "never follow" in (client.instructions or "")
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in way(question)}
    assert [*tools] == ["report", "misses", "explain", "culprits", "culprit", "blame", "diff"]
    for found in tools.values():
        assert found.annotations and found.annotations.read_only_hint, found.name
        assert found.input_schema["additionalProperties"] is False
    filters = set(FILTERS)
    for name in ("report", "misses", "culprits", "culprit"):
        assert filters < set(tools[name].input_schema["properties"]), name


def test_the_whole_way_from_a_report_to_the_edit_has_the_values_of_the_commands(
    way: Ask, url: str, tmp_path: Path
):
    async def question(client: Client):
        report = await tool(client, "report", **WEEKS)
        culprits = await tool(client, "culprits", **WEEKS)
        dearest = culprits.json["items"][0]
        culprit = await tool(client, "culprit", culprit=dearest["id"][:6], **WEEKS)
        call = await tool(client, "explain", call=dearest["examples"][0])
        blame = await tool(client, "blame", culprit=dearest["id"], repo=str(tmp_path))
        return report.json, culprits.json, culprit.json, call.json, blame

    report, culprits, culprit, call, blame = way(question)
    weeks = ("--since", WEEKS["since"], "--until", WEEKS["until"])
    panel = told(url, "report", *weeks)
    for name in ("calls", "read_ratio", "misses", "missed_cost_usd", "by_reason", "by_model"):
        assert report[name] == panel[name]
        assert report["previous"][name] == panel["previous"][name]
    listed = told(url, "culprits", *weeks)["items"]
    assert [item["id"] for item in culprits["items"]] == [item["id"] for item in listed]
    for name in ("misses", "missed_tokens", "missed_cost_usd", "per_week", "state", "path"):
        assert culprits["items"][0][name] == culprit[name] == listed[0][name]
    whole = told(url, "explain", call["call"])
    assert {name: call[name] for name in ("usage", "verdict", "cause", "missed_tokens")} == {
        name: whole[name] for name in ("usage", "verdict", "cause", "missed_tokens")
    }
    assert sorted(map(str, call["blocks"])) == sorted(map(str, whole["blocks"]))
    assert blame.error and "git repository" in blame.text


def test_causes_and_words_can_be_read(way: Ask):
    async def question(client: Client):
        assert [str(r.uri) for r in (await client.list_resources()).resources] == [
            "whycold://causes",
            "whycold://glossary",
        ]
        templates = (await client.list_resource_templates()).resource_templates
        assert [t.uri_template for t in templates] == ["whycold://causes/{code}"]
        pages = [f"whycold://causes/{cause.code}" for cause in causes.ALL]
        for page in (*pages, "whycold://glossary", "whycold://causes"):
            [content] = (await client.read_resource(page)).contents
            assert content.text.startswith("# ")  # type: ignore[union-attr]
        with pytest.raises(MCPError, match="there is no 'whycold://causes/nothing'"):
            await client.read_resource("whycold://causes/nothing")

    way(question)


def test_requests_are_compared_without_a_store(tmp_path: Path):
    app = application(Dashboard(f"sqlite:///{tmp_path}/none.db", "no-spool"))
    file = tmp_path / "after.json"
    file.write_text(json.dumps(LATER))

    async def question(client: Client):
        both = await tool(client, "diff", before=BODY, after=LATER)
        file_too = await tool(client, "diff", before=json.dumps(BODY), after=str(file))
        assert both.json == file_too.json
        return both.json

    got = over_http(app, question)
    assert (got["cause"], got["reason"]) == ("clock", "system_changed")
    [edit] = got["divergences"]
    assert edit["recorded_text"]["after"] == "It is 09:11:15."


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("report", {"since": "soon"}, "since: 'soon' is no time"),
        ("report", {"projekt": "desk"}, "there is no argument 'projekt'; did you mean project?"),
        ("misses", {"reason": "bad"}, "reason 'bad': there are model_changed"),
        ("misses", {"limit": 0}, "limit 0: give a number from 1 to 100"),
        ("misses", {"limit": "many"}, "limit 'many': give a whole number"),
        ("misses", {"cursor": "zz"}, "cursor"),
        ("misses", {"project": 3}, "project '3': give a text"),
        ("culprits", {"cursor": "99"}, "cursor '99': there are only"),
        ("culprits", {"cursor": "-1"}, "cursor '-1': give the next of the page before"),
        ("culprits", {"state": "gone"}, "state 'gone': there are"),
        ("culprit", {"culprit": "zzz"}, "no culprit 'zzz'"),
        ("explain", {}, "give the argument call"),
        ("explain", {"call": "zzz"}, "no call 'zzz'"),
        ("explain", {"call": "last", "full": "yes"}, "full 'yes': give true or false"),
        ("report", {"budget": 10}, "budget 10: give a number from 500 to 20000"),
        ("diff", {"before": BODY, "after": {"id": 1}}, "after: is not a request"),
        ("diff", {"before": 7, "after": BODY}, "before: give the request's body, or the path"),
        ("diff", {"before": "none.json", "after": BODY}, "none.json: cannot be read"),
        ("simulate-all", {}, "there is no tool 'simulate-all'; there are report"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    url: str, name: str, given: dict[str, Any], says: str
):
    answer = http(url, name, **given)
    assert answer.error
    assert says in answer.text
    assert "\n" not in answer.text


def test_without_a_store_it_says_how_to_begin(tmp_path: Path):
    answer = over_stdio(f"sqlite:///{tmp_path}/none.db", lambda client: tool(client, "report"))
    assert answer.error
    assert "none.db" in answer.text


def test_pages_of_a_list_follow_each_other_without_a_gap(url: str):
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = http(url, "misses", limit=100, cursor=cursor, budget=2000, **WEEKS)
        assert page.tokens <= 2000
        ids += [item["call"] for item in page.json["items"]]
        if (cursor := page.json["next"]) is None:
            break
    weeks = ("--since", WEEKS["since"], "--until", WEEKS["until"])
    listed = told(url, "misses", *weeks, "--limit", "1000")["items"]
    assert ids == [item["call"] for item in listed]


def test_pages_of_a_call_hold_all_of_it(url: str):
    last = told(url, "misses", *("--since", "2026-11-01", "--limit", "1"))["items"][0]["call"]
    blocks: list[Any] = []
    cursor: str | None = None
    while True:
        page = http(url, "explain", call=last, sort="order", limit=2, cursor=cursor)
        blocks += page.json.get("blocks", [])
        if (cursor := page.json["next"]) is None:
            break
        assert "more items" in page.json["left_out"]
    assert blocks == told(url, "explain", last)["blocks"]


def test_others_on_the_network_name_no_files_of_this_machine(url: str, tmp_path: Path):
    token = "0123456789abcdef"
    app = application(Dashboard(url, "no-spool", token=token))
    file = tmp_path / "body.json"
    file.write_text(json.dumps(BODY))

    async def question(client: Client):
        for name, given in (
            ("diff", {"before": str(file), "after": BODY}),
            ("blame", {"culprit": "a", "repo": str(tmp_path)}),
        ):
            answer = await tool(client, name, **given)
            assert answer.error
            assert "cannot be named over the network" in answer.text
        return await tool(client, "report", **WEEKS)

    bearer = {"authorization": f"Bearer {token}"}
    assert over_http(app, question, headers=bearer).json["calls"] > 0


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 405),
        ("DELETE", {}, 405),
        ("OPTIONS", {"origin": "https://evil.example"}, 405),
        ("POST", {"origin": "https://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {"sec-fetch-site": "cross-site"}, 403),
        ("POST", {"host": "evil.example"}, 421),
        ("POST", {"content-type": "text/plain"}, 400),
        ("POST", {}, 400),
    ],
)
def test_nobody_elses_page_can_ask(url: str, method: str, headers: dict[str, str], status: int):
    answer = ask(application(Dashboard(url, "x")), "/mcp", method=method, headers=headers)
    assert answer is not None
    assert answer.status == status
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_the_token_is_asked_for(url: str):
    app = application(Dashboard(url, "x", token="0123456789abcdef"))
    answer = ask(app, "/mcp", method="POST")
    assert answer is not None
    assert answer.status == 401
