"""Settings: where they come from, which goes before which, and what is said of a bad one."""

from datetime import timedelta
from pathlib import Path

import pytest

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import load, unknown_variables
from whycold.frontends.config_settings import SETTINGS, Given, built
from whycold.sources.spool_record import Capture

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any configuration, in an empty working directory."""
    for variable in ("WHYCOLD_CONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path


def told(**given: Json) -> str:
    with pytest.raises(UserError) as error:
        load({key.replace("__", "."): value for key, value in given.items()})
    return str(error.value)


def test_without_anything_the_vendors_are_behind_the_usual_ports(home: Path):
    config = load()
    assert (config.host, config.port, config.dashboard_port) == ("127.0.0.1", 4141, 4142)
    assert config.store == f"sqlite:///{home}/.local/share/whycold/whycold.db"
    assert Path(config.spool.folder) == home / ".local/share/whycold/whycold.spool"
    assert {n: b.upstream.host for n, b in config.upstreams.items()} == {
        "anthropic": "api.anthropic.com",
        "openai": "api.openai.com",
        "gemini": "generativelanguage.googleapis.com",
    }
    assert config.file is None
    assert config.origins == {}


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch,
):
    Path("whycold.toml").write_text('port = 1001\nhost = "127.0.0.2"\nproject = "file"\n')
    monkeypatch.setenv("WHYCOLD_HOST", "127.0.0.3")
    monkeypatch.setenv("WHYCOLD_PROJECT", "environment")
    config = load({"project": "line", "capture": None})
    assert (config.port, config.host, config.project) == (1001, "127.0.0.3", "line")
    assert config.origins == {
        "port": "whycold.toml",
        "host": "WHYCOLD_HOST",
        "project": "command line",
    }


def test_the_file_is_looked_for_here_then_in_the_users_folder_unless_one_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    user = home / ".config/whycold/whycold.toml"
    user.parent.mkdir(parents=True)
    user.write_text("port = 1")
    assert load().port == 1
    Path("whycold.toml").write_text("port = 2")
    assert load().port == 2
    (home / "other.toml").write_text("port = 3")
    monkeypatch.setenv("WHYCOLD_CONFIG", str(home / "other.toml"))
    assert load().port == 3
    (home / "last.toml").write_text("port = 4")
    assert load(file=home / "last.toml").port == 4


def test_an_upstream_is_an_address_or_a_table(monkeypatch: pytest.MonkeyPatch):
    Path("whycold.toml").write_text(
        """
        [upstreams]
        local = "http://127.0.0.1:8000/base"
        [upstreams.anthropic]
        capture = "hash"
        [upstreams."my.llama"]
        url = "https://10.0.0.1"
        provider = "llama.cpp"
        ca_file = "own.pem"
        """
    )
    monkeypatch.setenv("WHYCOLD_UPSTREAM_OPENAI", "http://127.0.0.1:1234")
    upstreams = load().upstreams
    assert upstreams["local"].upstream.prefix == "/base"
    assert upstreams["anthropic"].upstream.host == "api.anthropic.com"
    assert upstreams["anthropic"].upstream.capture is Capture.hash
    assert upstreams["my.llama"].provider == "llama.cpp"
    assert upstreams["my.llama"].upstream.ca_file == str(Path("own.pem").absolute())
    assert upstreams["openai"].upstream.port == 1234


def test_sizes_times_and_modes_are_read():
    Path("whycold.toml").write_text(
        """
        allowed_hosts = ["a.example", "b.example"]
        [spool]
        size = "1.5GB"
        body = 1024
        [retention]
        texts = "12h"
        facts = "never"
        size = "2TB"
        [projects."pay.roll"]
        capture = "usage"
        """
    )
    config = load()
    assert config.allowed_hosts == ("a.example", "b.example")
    assert (config.spool.total_bytes, config.spool.body_bytes) == (3 << 29, 1024)
    assert config.retention.texts == timedelta(hours=12)
    assert (config.retention.facts, config.retention.most_bytes) == (None, 2 << 40)
    assert config.projects == {"pay.roll": Capture.usage}


def test_files_beside_a_store_are_named_after_it(tmp_path: Path):
    config = load({"store": f"sqlite:///{tmp_path}/calls.db"})
    assert Path(config.spool.folder) == tmp_path / "calls.spool"
    assert config.state_file == tmp_path / "calls.serve.json"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("prot", 1, "command line: there is no setting 'prot'; did you mean port?"),
        ("port", "x", "wants a port from 1 to 65535, or 0 for a free one, not 'x'"),
        ("port", True, "wants a port"),
        ("port", 70000, "wants a port"),
        ("dashboard_port", 4141, "are both 4141"),
        ("store", "calls.db", "store wants a URL such as sqlite:///PATH"),
        ("capture", "all", "wants one of full, hash, usage, none, not 'all'"),
        ("allow_remote", "perhaps", "wants true or false"),
        ("spool.size", "many", 'wants a size, such as "512MB" or "2GB", not \'many\''),
        ("spool.size", "0GB", "wants a size"),
        ("retention.texts", "soon", '"90s", or "never", not \'soon\''),
        ("upstreams.x.provider", "vllm", "upstream x has no url"),
        ("upstreams.openai.provider", "nobody", "wants one of anthropic, azure"),
        ("upstreams.openai.url", "ftp://x", "must look like https://host or http://host"),
        ("upstreams.openai.uri", "http://x", "did you mean upstreams.openai.url?"),
        ("projects.a.capture", "some", "wants one of full"),
        ("allowed_hosts", 3, "wants a list of names"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(key: str, value: Json, says: str):
    with pytest.raises(UserError) as error:
        load({key: value})
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_token_that_is_too_short_is_not_repeated():
    assert told(token="secret") == "command line: token wants at least 16 plain characters"


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"missing\.toml: cannot be read"):
        load(file=tmp_path / "missing.toml")
    (tmp_path / "bad.toml").write_text("port = ")
    with pytest.raises(UserError, match=r"bad\.toml: is not TOML"):
        load(file=tmp_path / "bad.toml")


@pytest.mark.parametrize("value", ["no equals", "a b=c", "x=\u00e9", "x=%0d%0ay"])
def test_headers_for_spans_that_no_server_would_take_are_refused_unshown(value: str):
    with pytest.raises(UserError, match=r"otel\.headers wants") as error:
        load({"otel.headers": value})
    assert value not in str(error.value)


def test_a_variable_that_is_no_setting_can_be_pointed_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHYCOLD_PROT", "1")
    assert "WHYCOLD_PROT" in unknown_variables()
    assert load().port == 4141


def test_every_setting_is_documented_with_its_default():
    page = (ROOT / "docs/configuration.md").read_text()
    for key, (default, text) in SETTINGS.items():
        assert f"| `{key}` | {default} | {text} |" in page


def test_every_documented_setting_is_one_that_is_read(tmp_path: Path):
    values: dict[str, Json] = {
        "store": "sqlite:///x.db",
        "host": "127.0.0.1",
        "upstreams.NAME": "http://127.0.0.1",
        "upstreams.NAME.url": "http://127.0.0.1",
        "upstreams.NAME.provider": "openai",
        "upstreams.NAME.ca_file": "ca.pem",
        "allowed_hosts": [],
        "allow_remote": True,
        "token": "0123456789abcdef",
        "capture": "full",
        "websockets": "refuse",
        "diagnostics": "answer",
        "alerting.every": "1m",
        "alerting.dashboard": "https://whycold.example.com",
        "otel.endpoint": "http://127.0.0.1:4318",
        "otel.headers": "x-key=1",
        "measure": "misses",
        "rises_by": "50%",
        "falls_by": "50%",
        "culprit": "new",
        "recovery": True,
        "severity": "critical",
        "to": [],
        "cause": "tool-edited",
        "reason": "tools_changed",
        "receivers.NAME.url": "https://example.com/hook",
        "shape": "slack",
        "secret": "0123456789abcdef",
        "allow_private": True,
        "edits": False,
    }
    company: dict[str, dict[str, Json]] = {
        **{key: {"measure": "misses"} for key in ("above", "below", "rises_by", "falls_by")},
        **{"measure": {"above": 1}, "culprit": {}, "no_calls_for": {}},
    }
    spans = ("texts", "facts", "drain", "over", "renotify", "recover_after", "no_calls_for")
    for key in SETTINGS:
        kind = key.rpartition(".")[2]
        value = values.get(key, values.get(kind, "1GB" if kind in ("size", "body") else "1"))
        if kind in spans:
            value = "1d"
        if key == "spool.memory":
            value = "1MB"
        key = f"{key}.url" if key == "upstreams.NAME" else key
        given = {key: Given(value, "test")}
        if key.startswith("upstreams.NAME."):
            given["upstreams.NAME.url"] = Given("http://127.0.0.1", "test")
        if key.startswith("receivers.NAME."):
            given["receivers.NAME.url"] = Given("https://example.com/hook", "test")
        if key.startswith("alerts.NAME."):
            for name, said in company.get(kind, {"no_calls_for": "1h"}).items():
                given[f"alerts.NAME.{name}"] = Given(said, "test")
        assert built(given, tmp_path, tmp_path, None).origins[key] == "test"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[alerts]]\nmeasure='misses'", "each [[alerts]] wants a name"),
        ("[[alerts]]\nname='a'\nmeasure='misses'", "the alert 'a' wants one condition"),
        ("[[alerts]]\nname='a'\nabove=1", "does not say its measure"),
        ("[[alerts]]\nname='a'\nabove=1\nno_calls_for='1h'", "wants one condition"),
        ("[[alerts]]\nname='a'\nmeasure='misses'\nrises_by=50", "wants a percentage"),
        (
            "[[alerts]]\nname='a'\nmeasure='read_ratio'\nbelow=60",
            'a part of 1, such as 0.6 or "60%"',
        ),
        ("[[alerts]]\nname='a'\nno_calls_for='1h'\nto=['x']", "names no receiver 'x'"),
        ("[[alerts]]\nname='a'\nno_calls_for='1h'\ncause='x'", "no cause has that code"),
        (
            "[[alerts]]\nname='a'\nno_calls_for='1h'\nmodle='x'",
            "there is no setting 'alerts.a.modle'",
        ),
        ("[[alerts]]\nname='a'\nno_calls_for='1h'\n" * 2, "two [[alerts]] have the name 'a'"),
        ("[receivers.x]\nshape='slack'", "receiver x has no url"),
        ("[receivers.x]\nurl='http://example.com/hook'", "wants https"),
        ("[receivers.x]\nurl='file:///etc/passwd'", "wants an address such as"),
        ("[receivers.x]\nurl='https://me:word@example.com/'", "holds a user name"),
        ('[receivers.x]\nurl="https://example.com/a\\r\\nb"', "characters"),
        (
            "[receivers.x]\nurl='https://example.com'\nsecret='short'",
            "wants at least 16 characters",
        ),
    ],
)
def test_alerts_that_cannot_be_meant_are_told_in_one_line(tmp_path: Path, text: str, says: str):
    file = tmp_path / "whycold.toml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        load(file=file)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert "short" not in str(error.value)
    assert "word@" not in str(error.value)


def test_the_address_and_secret_of_a_receiver_can_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("WHYCOLD_RECEIVER_OPS_URL", "https://example.com/hook")
    monkeypatch.setenv("WHYCOLD_RECEIVER_OPS_SECRET", "0123456789abcdef")
    [receiver] = load().alerting.receivers
    assert (receiver.name, receiver.url) == ("ops", "https://example.com/hook")
    assert receiver.secret == "0123456789abcdef"
    assert unknown_variables() == []
