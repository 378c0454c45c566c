"""What programs are told of the proxy's address, and what they would have used otherwise."""

import json
import tomllib

import pytest

from whycold.frontends.run_clients import arguments, environment, former_upstreams

URL = "http://127.0.0.1:5000"


def test_every_sdk_finds_its_variable():
    told = environment({"PATH": "/bin"}, URL, "python", {})
    assert told["ANTHROPIC_BASE_URL"] == URL
    assert told["OPENAI_BASE_URL"] == told["OPENAI_API_BASE"] == f"{URL}/v1"
    assert told["GOOGLE_GEMINI_BASE_URL"] == URL
    assert told["PATH"] == "/bin"
    assert "ANTHROPIC_CUSTOM_HEADERS" not in told


def test_labels_stand_behind_the_users_own_headers():
    own = {"ANTHROPIC_CUSTOM_HEADERS": "x-team: a"}
    told = environment(own, URL, "python", {"session": "run-1"})
    assert told["ANTHROPIC_CUSTOM_HEADERS"] == "x-team: a\nx-whycold-session: run-1"
    assert told["OPENAI_CUSTOM_HEADERS"] == "x-whycold-session: run-1"


def test_calls_to_this_machine_go_past_the_users_proxy():
    own = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "intern"}
    told = environment(own, URL, "python", {})
    assert (told["NO_PROXY"], told["no_proxy"]) == ("intern,127.0.0.1", "127.0.0.1")


def test_claude_code_is_told_by_settings_which_go_before_those_of_files():
    told = environment({}, URL, "/usr/bin/claude", {"session": "run-1"})
    program, option, value, *rest = arguments(["/usr/bin/claude", "-p", "hi"], URL, told)
    assert (program, option, rest) == ("/usr/bin/claude", "--settings", ["-p", "hi"])
    assert json.loads(value) == {
        "env": {
            "ANTHROPIC_BASE_URL": URL,
            "ANTHROPIC_CUSTOM_HEADERS": "x-whycold-session: run-1",
        }
    }


@pytest.mark.parametrize(
    "command",
    [
        ["claude", "--settings", "x.json"],
        ["claude", "--settings=x.json"],
        ["claude", "mcp", "list"],
    ],
)
def test_claude_code_is_left_alone_with_settings_of_its_own_and_other_work(command: list[str]):
    assert arguments(command, URL, {}) == command


def test_codex_gets_a_provider_that_asks_for_no_websocket():
    program, *given, command, prompt = arguments(["codex", "exec", "hi"], URL, {})
    assert (program, command, prompt) == ("codex", "exec", "hi")
    assert given[::2] == ["-c", "-c"]
    settings = tomllib.loads("\n".join(given[1::2]))
    [name] = settings["model_providers"]
    assert settings["model_provider"] == name != "openai"
    assert settings["model_providers"][name]["base_url"] == f"{URL}/v1"
    assert settings["model_providers"][name]["wire_api"] == "responses"


def test_opencode_is_told_by_its_variable_unless_that_is_used():
    told = environment({}, URL, "opencode", {})
    providers = json.loads(told["OPENCODE_CONFIG_CONTENT"])["provider"]
    assert providers["anthropic"]["options"]["baseURL"] == f"{URL}/v1"
    own = {"OPENCODE_CONFIG_CONTENT": "{}"}
    assert environment(own, URL, "opencode", {})["OPENCODE_CONFIG_CONTENT"] == "{}"


def test_a_gateway_that_was_in_use_stays_behind_the_proxy():
    own = {
        "ANTHROPIC_BASE_URL": "https://gateway.example/anthropic/",
        "OPENAI_API_BASE": "http://127.0.0.1:8000/v1",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:4141",
    }
    assert former_upstreams(own, (), 4141) == {
        "anthropic": "https://gateway.example/anthropic",
        "openai": "http://127.0.0.1:8000/v1",
    }
    assert former_upstreams(own, ("upstreams.anthropic.url", "upstreams.openai.url"), 1) == {
        "gemini": "http://127.0.0.1:4141"
    }
