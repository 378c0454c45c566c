"""``whycold alerts``, what doctor says of them, and a whole ``serve`` that sends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.caching_vendor import asked, caching_vendor, tool
from tests.frontends.alerts.receiver import Hook, hook, verified
from tests.frontends.command import whycold
from tests.serving import eventually, serving

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
KEY = b"0123456789abcdef01234567"
RULE = """
[alerting]
every = "1s"
[[alerts]]
name = "any miss"
measure = "misses"
above = 0
[receivers.ops]
url = "{url}"
allow_private = true
"""


@pytest.fixture
def ops() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ops: Hook) -> Path:
    for variable in ("WHYCOLD_CONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "whycold.toml").write_text(RULE.format(url=ops.url))
    return tmp_path


def doctor(store: str) -> dict[str, Any]:
    return json.loads(whycold("doctor", "--json", "--store", store).out)


def test_serve_sends_what_a_rule_finds_once_also_across_a_restart(home: Path, ops: Hook):
    secret = {"WHYCOLD_RECEIVER_OPS_SECRET": SECRET}
    with caching_vendor() as vendor:
        upstream = f"anthropic={vendor.url}"
        with serving(home, "--upstream", upstream, environment=secret) as serve:
            for text in ("Reads a file.", "Reads any file."):
                body = asked(["one"], [tool("Read", text)])
                assert serve.post("/v1/messages", body)[0] == 200
            eventually(lambda: ops.events() == ["fired"])
            eventually(lambda: doctor(serve.store_url)["alerts"]["receivers"][0]["delivered"] == 1)
            standing = doctor(serve.store_url)["alerts"]["rules"][0]
            assert (standing["firing"], standing["value"]) == (True, 1)
            metrics = serve.fetch("/metrics")[2].decode()
            assert 'whycold_alert_firing{alert="any miss"} 1' in metrics
            assert 'whycold_alert_messages_total{receiver="ops",outcome="delivered"} 1' in metrics
            serve.kill("alerts")
        with serving(home, "--upstream", upstream, environment=secret) as serve:
            before = doctor(serve.store_url)["alerts"]["judged"]
            eventually(lambda: doctor(serve.store_url)["alerts"]["judged"] > before)
            url = serve.dashboard
    assert ops.events() == ["fired"]
    said = ops.got[0].said["data"]
    assert verified(ops.got[0], KEY)
    assert said["culprits"][0]["path"] == "tools[Read].description"
    assert said["culprits"][0]["edit"] == "Reads a{+ny+} file."
    assert said["url"].startswith("http://127.0.0.1:")
    assert url.startswith("http://127.0.0.1:")


def test_recording_waits_for_no_alert(home: Path):
    with (
        caching_vendor() as vendor,
        serving(home, "--upstream", f"anthropic={vendor.url}") as serve,
    ):
        pid = serve.pid("alerts")
        os.kill(pid, signal.SIGSTOP)
        try:
            assert serve.post("/v1/messages", asked(["one"], [tool("Read", "Reads.")]))[0] == 200
            assert serve.recorded(1)["calls"] == 1
        finally:
            os.kill(pid, signal.SIGCONT)


def test_without_rules_there_is_no_process_for_them(home: Path):
    (home / "whycold.toml").write_text("")
    with serving(home) as serve:
        assert set(serve.state().processes) == {"recorder", "dashboard", "proxy"}


def test_a_test_is_sent_for_a_rule_and_to_a_receiver(home: Path, ops: Hook):
    assert whycold("alerts", "--test", "any miss").out == "ops: delivered (204)\n"
    assert whycold("alerts", "--test", "ops").out == "ops: delivered (204)\n"
    assert ops.events() == ["test", "test"]
    assert "this is a test" in ops.got[0].said["data"]["summary"]


def test_a_test_that_does_not_arrive_is_a_mistake_in_one_line(home: Path, ops: Hook):
    ops.status, ops.text = 404, b"no such hook"
    ran = whycold("alerts", "--test", "ops")
    assert ran.code == 2
    assert ran.out == "ops: answered 404: no such hook\n"
    assert ran.err == "whycold: not delivered to ops\n"
    assert whycold("alerts", "--test", "nobody").mistake == (
        "no rule or receiver 'nobody'; there are: any miss, ops"
    )


def test_the_list_and_doctor_do_not_show_what_keeps_others_out(home: Path, ops: Hook):
    text = RULE.format(url="https://hooks.example.com/T0/B0/secret-part")
    (home / "whycold.toml").write_text(text)
    shown = whycold("alerts").out + whycold("doctor").out + whycold("doctor", "--json").out
    assert "any miss: misses above 0 in 1 h" in shown
    assert "webhook, https://hooks.example.com/…" in shown
    assert "secret-part" not in shown


def test_where_there_are_none_it_says_where_to_read(home: Path):
    (home / "whycold.toml").write_text("")
    assert whycold("alerts").out == "no alerts are configured; docs/alerts.md shows how\n"


def test_rules_that_reach_nobody_are_a_problem(home: Path):
    (home / "whycold.toml").write_text("[[alerts]]\nname='a'\nno_calls_for='1h'\n")
    assert "alerts are sent to nobody" in " ".join(doctor(f"sqlite:///{home}/calls.db")["problems"])
