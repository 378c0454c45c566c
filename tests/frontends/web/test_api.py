"""Every route of the dashboard's port: what it answers, to whom, and what its document says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.command import whycold
from tests.frontends.web.asked import Answer, ask
from tests.traffic import recorded
from whycold.frontends.web.server import Dashboard, application

SINCE = "since=2026-11-01&until=2026-11-24"
CLI_SINCE = ("--since", "2026-11-01", "--until", "2026-11-24")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def about(url: str) -> Dashboard:
    return Dashboard(url, "no-spool", ("box.example",))


def get(about: Dashboard, target: str, **more: Any) -> Answer:
    answer = ask(application(about), target, **more)
    assert answer is not None
    return answer


@pytest.fixture(scope="module")
def missed(about: Dashboard) -> dict[str, Any]:
    return get(about, "/api/v1/misses?limit=1").json["items"][0]


def routes(about: Dashboard) -> Iterator[str]:
    """Every path; of the static files one."""
    for route in application(about).routes:
        path = route.path  # type: ignore[attr-defined]
        yield "/static/app.js" if path == "/static" else path


def filled(path: str, missed: dict[str, Any]) -> str:
    """A path with the id of something that is there."""
    kind = path.split("/")[-2] if "{" in path else ""
    name = {"culprits": "fingerprint", "sessions": "session"}.get(kind, "call")
    return path.replace("{id:path}", missed[name])


def test_the_report_is_that_of_the_command(about: Dashboard, url: str):
    told = whycold("report", *CLI_SINCE, "--json", "--store", url)
    got = get(about, f"/api/v1/report?{SINCE}").json
    assert got == json.loads(told.out)
    assert got["misses"] > 0


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"project": "desk"},
        {"reason": "tools_changed"},
        {"model": "claude-opus-5", "limit": "3"},
    ],
)
def test_the_misses_are_those_of_the_command(about: Dashboard, url: str, words: Mapping[str, str]):
    options = [part for name, value in words.items() for part in (f"--{name}", value)]
    told = whycold("misses", *CLI_SINCE, *options, "--json", "--store", url)
    query = "".join(f"&{name}={value}" for name, value in words.items())
    assert get(about, f"/api/v1/misses?{SINCE}{query}").json == json.loads(told.out)


def test_pages_of_misses_follow_each_other(about: Dashboard):
    first = get(about, "/api/v1/misses?limit=2").json
    second = get(about, f"/api/v1/misses?limit=2&cursor={first['next']}").json
    both = get(about, "/api/v1/misses?limit=4").json
    assert [*first["items"], *second["items"]] == both["items"]


@pytest.mark.parametrize("name", ["call", "message_id"])
def test_a_call_is_found_by_its_ids(about: Dashboard, url: str, missed: dict[str, Any], name: str):
    got = get(about, f"/api/v1/calls/{missed[name]}")
    told = whycold("explain", missed["call"], "--json", "--store", url)
    assert got.json == json.loads(told.out)
    assert sum(block["tokens"] for block in got.json["blocks"]) == got.json["usage"]["input"]


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("culprits", ()),
        ("culprits?project=shop&limit=2", ("--project", "shop", "--limit", "2")),
        ("culprits?state=open&since=2026-11-10", ("--state", "open", "--since", "2026-11-10")),
        ("releases?until=2026-11-24", ("--until", "2026-11-24")),
        ("releases?kind=release&limit=1", ("--kind", "release", "--limit", "1")),
    ],
)
def test_culprits_and_releases_are_those_of_the_commands(
    about: Dashboard, url: str, target: str, options: tuple[str, ...]
):
    path, _, query = target.partition("?")
    told = whycold(path, *options, "--json", "--store", url)
    got = get(about, f"/api/v1/{target}").json
    assert got == json.loads(told.out)
    assert got["items"]
    told = whycold(path, *options, "--csv", "--store", url)
    assert get(about, f"/api/v1/{path}.csv?{query}").body.decode() == told.out


def test_a_culprit_is_found_by_how_its_id_begins(about: Dashboard, missed: dict[str, Any]):
    id = missed["fingerprint"]
    listed = get(about, "/api/v1/culprits?limit=1000").json["items"]
    for name in (id, id[:8]):
        got = get(about, f"/api/v1/culprits/{name}").json
        assert got == next(item for item in listed if item["id"] == id)


@pytest.mark.parametrize("table", ["report", "misses"])
def test_tables_are_those_of_the_command(about: Dashboard, url: str, table: str):
    told = whycold(table, *CLI_SINCE, "--csv", "--store", url)
    got = get(about, f"/api/v1/{table}.csv?{SINCE}")
    assert got.body.decode() == told.out
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    assert got.headers["content-disposition"] == f'attachment; filename="{table}.csv"'


@pytest.mark.parametrize(
    ("target", "status", "says"),
    [
        ("/api/v1/report?since=soon", 400, "since: 'soon' is no time"),
        ("/api/v1/report?sincee=7d", 400, "there is no parameter 'sincee'"),
        ("/api/v1/report?limit=3", 400, "there is no parameter 'limit'"),
        ("/api/v1/misses?reason=bad", 400, "reason 'bad'"),
        ("/api/v1/misses?limit=0", 400, "limit '0'"),
        ("/api/v1/misses?cursor=zz", 400, "cursor"),
        ("/api/v1/culprits?state=bad", 400, "state 'bad': there are open, resolved"),
        ("/api/v1/culprits?sort=bad", 400, "sort 'bad': there are cost, tokens"),
        ("/api/v1/culprits/nothing", 404, "no culprit 'nothing'"),
        ("/api/v1/releases?kind=bad", 400, "kind 'bad': there are release, tools"),
        ("/api/v1/calls/nothing", 404, "no call 'nothing'"),
        ("/api/v1/nothing", 404, "nothing at this address"),
    ],
)
def test_what_cannot_be_answered_is_said(about: Dashboard, target: str, status: int, says: str):
    got = get(about, target)
    assert got.status == status
    assert says in got.json["error"]["message"]


def test_without_a_store_the_answer_is_not_an_empty_one(tmp_path: Path):
    nothing = Dashboard(f"sqlite:///{tmp_path}/none.db", str(tmp_path / "spool"))
    assert get(nothing, "/api/v1/report").status == 503
    health = get(nothing, "/healthz")
    assert (health.status, health.json["status"]) == (200, "degraded")


def test_health_says_that_all_is_kept(about: Dashboard):
    assert get(about, "/healthz").json == {"status": "ok", "version": "0.1.0", "behind_bytes": 0}


def test_every_route_is_read_only_and_says_who_may_use_it(about: Dashboard, missed: dict[str, Any]):
    for path in routes(about):
        # what takes telemetry and what answers agents have their own tests
        if path.startswith("/v1/") or path == "/mcp":
            continue
        target = filled(path, missed)
        got = get(about, target, headers={"origin": "https://evil.example"})
        assert got.status == 200, target
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in got.headers["content-security-policy"]
        assert got.headers["cross-origin-resource-policy"] == "same-origin"
        kept = target.startswith("/static/")
        assert ("no-store" in got.headers["cache-control"]) != kept
        assert not any(name.startswith("access-control") for name in got.headers)
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert get(about, target, method=method).status == 405, target


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:4142", 200),
        ("localhost:9", 200),
        ("[::1]:4142", 200),
        ("192.168.1.7", 200),
        ("box.example:4142", 200),
        ("evil.example", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_are_answered(about: Dashboard, host: str, status: int):
    for path in routes(about):
        got = get(about, path.replace("{id:path}", "x"), headers={"host": host})
        assert (got.status == 421) == (status == 421), path


def test_with_a_token_no_route_is_open(about: Dashboard, url: str):
    closed = Dashboard(url, "no-spool", token="0123456789abcdef")
    for path in (*routes(about), "/nothing"):
        target = path.replace("{id:path}", "x")
        assert get(closed, target).status == 401, target
        for wrong in ("", "0123456789abcde", "0123456789abcdeg", "ü"):
            header = {"authorization": f"Bearer {wrong}"}
            assert get(closed, target, headers=header).status == 401, target
    right = {"authorization": "Bearer 0123456789abcdef"}
    assert get(closed, "/api/v1/report", headers=right).status == 200


def test_a_websocket_is_not_let_past_the_token(about: Dashboard, url: str):
    for dashboard in (about, Dashboard(url, "no-spool", token="0123456789abcdef")):
        assert ask(application(dashboard), "/api/v1/report", kind="websocket") is None


def test_the_document_lists_every_route_and_no_other(about: Dashboard):
    document = get(about, "/api/v1/openapi.json").json
    listed = {path.replace("{id}", "{id:path}") for path in document["paths"]}
    assert listed == {path for path in routes(about) if path.startswith("/api/")}


@pytest.mark.parametrize(
    ("target", "schema"),
    [
        ("report", "Report"),
        ("misses", "Misses"),
        ("calls", "Call"),
        ("culprits", "Culprits"),
        ("culprits/ID", "Culprit"),
        ("releases", "Releases"),
        ("nothing", "Error"),
    ],
)
def test_answers_have_the_shape_that_the_document_gives(
    about: Dashboard, missed: dict[str, Any], target: str, schema: str
):
    schemas = get(about, "/api/v1/openapi.json").json["components"]["schemas"]
    target = target.replace("ID", missed["fingerprint"])
    target = f"calls/{missed['call']}" if target == "calls" else f"{target}?{SINCE}"
    assert list(faults(get(about, f"/api/v1/{target}").json, schemas[schema], schemas)) == []


def faults(
    value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any], at: str = ""
) -> Iterator[str]:
    """Where a value is not what a schema says: as much of JSON Schema as the document uses."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    if kinds and not any(
        is_a(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)
    ):
        yield f"{at}: {value!r} is no {kinds}"
    if "anyOf" in schema:
        tried = [list(faults(value, one, schemas, at)) for one in schema["anyOf"]]
        yield from min(tried, key=len)
    if isinstance(value, dict) and "properties" in schema:
        for name in value.keys() ^ schema["properties"].keys():
            yield f"{at}: {name} is on one side only"
        for name in value.keys() & schema["properties"].keys():
            yield from faults(value[name], schema["properties"][name], schemas, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for item in value:
            yield from faults(item, schema["items"], schemas, f"{at}[]")


def is_a(value: object, kind: str) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)
