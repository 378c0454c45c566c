"""``/metrics``, read as Prometheus reads it, and what ships to be used with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.frontends.web.asked import Answer, ask
from tests.store.samples import miss, record
from whycold.frontends.alert_state import AlertState, Outbox, RuleState, StateFile
from whycold.frontends.web.held import OTHER
from whycold.frontends.web.server import Dashboard, application
from whycold.sources.spool import SpoolFolder
from whycold.sources.spool_counts import CountsFile, SpoolCounts
from whycold.store.answers import Erase
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Record

MONITORING = Path(__file__).parents[3] / "monitoring"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


@pytest.fixture
def about(tmp_path: Path, store: Store) -> Dashboard:
    return Dashboard(
        f"sqlite:///{tmp_path}/calls.db",
        str(tmp_path / "spool"),
        alerts=str(tmp_path / "alerts.json"),
        metrics=str(tmp_path / "metrics.json"),
    )


def get(about: Dashboard, **headers: str) -> Answer:
    answer = ask(application(about), "/metrics", headers=headers)
    assert answer is not None
    assert answer.status == 200
    return answer


def samples(about: Dashboard) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(get(about).body.decode()):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    label = {"provider": "anthropic", "model": "claude-sonnet-5", "project": ""} | labels
    return found.get((name, frozenset(label.items())))


def test_it_counts_what_the_report_counts(about: Dashboard, store: Store):
    store.write("a", [record(1), record(2, project="shop"), miss(3, project="shop"), miss(4)])
    found = samples(about)
    assert value(found, "whycold_calls_total", project="shop") == 2
    assert value(found, "whycold_input_tokens_total", project="shop") == 2000
    assert value(found, "whycold_cache_read_tokens_total") == 900
    shop = {"project": "shop", "reason": "tools_changed"}
    assert value(found, "whycold_misses_total", **shop) == 1
    assert value(found, "whycold_missed_tokens_total", **shop) == 800
    assert value(found, "whycold_missed_cost_usd_total", **shop) == 0.00276
    assert value(found, "whycold_unpriced_misses_total", **shop) == 0


def test_what_is_not_reported_or_has_no_price_is_no_sample(about: Dashboard, store: Store):
    store.write("a", [miss(1, cache_read=None, missed_cost_usd=None)])
    found = samples(about)
    assert value(found, "whycold_cache_read_tokens_total") is None
    assert value(found, "whycold_missed_cost_usd_total", reason="tools_changed") is None
    assert value(found, "whycold_unpriced_misses_total", reason="tools_changed") == 1


def test_sizes_come_as_histograms(about: Dashboard, store: Store):
    store.write("a", [record(1, input=1000, cache_read=900), miss(2)])
    found = samples(about)
    assert value(found, "whycold_prompt_size_tokens_bucket", le="500.0") == 0
    assert value(found, "whycold_prompt_size_tokens_bucket", le="1000.0") == 2
    assert value(found, "whycold_prompt_size_tokens_bucket", le="+Inf") == 2
    assert value(found, "whycold_miss_size_tokens_sum") == 800
    assert value(found, "whycold_miss_size_tokens_count") == 1
    assert value(found, "whycold_call_read_ratio_sum") == 0.9
    assert value(found, "whycold_call_read_ratio_bucket", le="0.75") == 1


def test_who_asks_for_openmetrics_gets_it_whole(about: Dashboard, store: Store):
    store.write("a", [record(1), miss(2)])
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    answer = get(about, accept=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = list(openmetrics.text_string_to_metric_families(answer.body.decode()))
    kinds = {family.name: family.type for family in families}
    assert kinds["whycold_calls"] == "counter"
    assert kinds["whycold_prompt_size_tokens"] == "histogram"
    assert get(about).headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("name", ['"quoted"', "back\\slash", "two\nlines", "ünï", "a{b}=c,"])
def test_labels_of_any_text_are_read_back(about: Dashboard, store: Store, name: str):
    store.write("a", [record(1, project=name)])
    assert value(samples(about), "whycold_calls_total", project=name) == 1
    answer = get(about, accept="application/openmetrics-text")
    list(openmetrics.text_string_to_metric_families(answer.body.decode()))


def erased(store: Store) -> None:
    store.erase(Erase(session="gone"))


def diagnosed_anew(store: Store) -> None:
    store.write("again", [replace(record(2, session="gone"), amends=True)])


@pytest.mark.parametrize("change", [erased, diagnosed_anew])
def test_a_counter_never_falls_also_across_a_restart(
    about: Dashboard, store: Store, change: Callable[[Store], None]
):
    store.write("a", [miss(1), miss(2, session="gone")])
    before = samples(about)
    change(store)
    after = samples(about)
    counters = [key for key in before if key[0].endswith(("_total", "_bucket", "_count", "_sum"))]
    assert [key for key in counters if after[key] < before[key]] == []
    store.write("b", [miss(5)])
    later = samples(about)
    assert value(later, "whycold_misses_total", reason="tools_changed") == 3
    assert value(later, "whycold_miss_size_tokens_count") == 3


def test_of_what_was_erased_no_name_stays(about: Dashboard, store: Store, tmp_path: Path):
    store.write("a", [record(1, project="payroll"), miss(2, project="payroll"), record(3)])
    samples(about)
    store.erase(Erase(project="payroll"))
    assert b"payroll" not in get(about).body
    assert b"payroll" not in (tmp_path / "metrics.json").read_bytes()
    store.write("b", [record(9, project="payroll")])
    assert value(samples(about), "whycold_calls_total", project="payroll") == 1


def many(count: int) -> list[Record]:
    return [record(n, project=f"project {n:03}") for n in range(count)]


def test_names_are_bounded_and_the_rest_is_counted_as_others(about: Dashboard, store: Store):
    calls = many(130)
    store.write("a", [*calls, record(999, project="project 129")])
    found = samples(about)
    shown = {dict(key[1])["project"] for key in found if key[0] == "whycold_calls_total"}
    assert len(shown) == 101
    assert "project 129" in shown
    others = {"provider": OTHER, "model": OTHER, "project": OTHER}
    assert value(found, "whycold_calls_total", **others) == 30
    store.write("b", [record(2000 + n, project="project 128") for n in range(5)])
    later = samples(about)
    assert value(later, "whycold_calls_total", **others) == 35
    assert {key for key in later if key[0] == "whycold_calls_total"} == {
        key for key in found if key[0] == "whycold_calls_total"
    }


def test_the_recorder_and_its_losses_are_told(about: Dashboard, store: Store, tmp_path: Path):
    (tmp_path / "spool").mkdir()
    counts = {"recorded": 7, "body-too-large": 2}
    CountsFile(SpoolFolder(tmp_path / "spool").counts).write(SpoolCounts(1, 2, counts))
    found = samples(about)
    event = frozenset({("event", "body-too-large")})
    assert found["whycold_spool_events_total", event] == 2
    assert found["whycold_recorder_behind_bytes", frozenset()] == 0
    assert found["whycold_store_readable", frozenset()] == 1


def test_without_a_store_it_says_that_and_the_rest(tmp_path: Path):
    about = Dashboard(f"sqlite:///{tmp_path}/none.db", str(tmp_path / "spool"))
    found = samples(about)
    assert found["whycold_store_readable", frozenset()] == 0
    assert found["whycold_spool_bytes", frozenset()] == 0
    assert not any(name == "whycold_calls_total" for name, _ in found)


def whole(about: Dashboard, store: Store, tmp_path: Path) -> Samples:
    """Samples of every name that there is."""
    store.write("a", [record(1, cache_write=5, uncached=95), miss(2)])
    state = AlertState({"dear": RuleState(firing=True)}, {"ops": Outbox(delivered=1)})
    StateFile(tmp_path / "alerts.json").write(state)
    folder = tmp_path / "spool"
    folder.mkdir()
    CountsFile(SpoolFolder(folder).counts).write(SpoolCounts(1, 2, {"recorded": 7}))
    return samples(about)


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of the example rules and of the dashboard, and where it stands."""
    rules = yaml.safe_load((MONITORING / "whycold-rules.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


def dashboard() -> dict[str, Any]:
    return json.loads((MONITORING / "grafana-dashboard.json").read_text())


_METRIC = re.compile(r"\bwhycold_[a-z0-9_]+")
_LABELS = re.compile(r"(\bwhycold_[a-z0-9_]+)\{([^}]*)\}")


def test_every_metric_and_label_in_the_examples_is_there(
    about: Dashboard, store: Store, tmp_path: Path
):
    found = whole(about, store, tmp_path)
    labels: dict[str, set[str]] = {}
    for name, label in found:
        labels.setdefault(name, set()).update(key for key, _ in label)
    for where, text in expressions():
        named = _METRIC.findall(text)
        assert named or text.startswith(("up{", "whycold:")), where
        assert set(named) <= labels.keys(), where
        for name, inside in _LABELS.findall(text):
            asked = set(re.findall(r"([a-z_]+)\s*[=!]", inside))
            assert asked <= labels[name], where
        assert text.count("(") == text.count(")"), where


def test_the_rules_are_as_prometheus_wants_them():
    rules = yaml.safe_load((MONITORING / "whycold-rules.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    for rule in alerts:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    assert config["rule_files"] == ["whycold-rules.yml"]


def test_panels_do_not_lie_on_each_other_and_have_numbers_of_their_own():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_metric_is_documented(about: Dashboard, store: Store, tmp_path: Path):
    page = (MONITORING.parent / "docs/metrics.md").read_text()
    for name, labels in whole(about, store, tmp_path):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert f"`{family}`" in page, family
        assert all(f"`{label}`" in page for label, _ in labels if label != "le")
