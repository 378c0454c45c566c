"""What is recorded, what is left out and how long it is kept; and how to connect a client."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from whycold.core.content import Json
from whycold.core.numbers import exact
from whycold.frontends.config import load
from whycold.frontends.config_settings import Config
from whycold.frontends.doctor_facts import Facts, SettingShown, facts, size
from whycold.frontends.doctor_problems import KNOWN, LEFT_OUT, TRAFFIC, recording_problems
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.asking import Ask
from whycold.frontends.web.pages.page import Page
from whycold.sources.spool_counts import Count
from whycold.store.answers import Contents

__all__ = ["PAGE", "ways"]

_MOST_REASONS = 10
_COUNTED_FOR = timedelta(minutes=1)
_CAPTURES = {
    "full": "prompts and replies as text",
    "hash": "digests under a key in the place of text",
    "usage": "ids, counts, times and labels",
    "none": "nothing; calls are forwarded all the same",
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where calls go: ``capture`` is what is kept of them, ``provider`` who answers and ``how``
    that is known, empty where nobody answered yet.
    """

    name: str
    url: str
    capture: str
    provider: str
    how: str


@dataclass(frozen=True, slots=True)
class Way:
    """How a client is connected: the words above a text to copy, and the text."""

    client: str
    words: str
    text: str


_counted_at: dict[str, tuple[datetime, Contents]] = {}
"""What was counted in a store, and when."""


def _facts(about: Dashboard, now: datetime) -> Facts:
    config = load({"store": about.store})
    at, contents = _counted_at.get(about.store, (now, None))
    fresh = contents if abs(now - at) < _COUNTED_FOR else None
    found = facts(_with_spool(config, about.spool), fresh)
    if fresh is None and found.store.contents is not None:
        _counted_at[about.store] = now, found.store.contents
    if about.settings:
        held = tuple(SettingShown(*setting) for setting in about.settings)
        found = replace(found, settings=held)
    return found


def _with_spool(config: Config, folder: str) -> Config:
    return replace(config, spool=replace(config.spool, folder=folder))


def _show(ask: Ask) -> Mapping[str, object]:
    found = _facts(ask.about, ask.now)
    settings = {setting.key: setting.value for setting in found.settings}
    progress = found.store.progress
    serve = found.serve
    proxy = serve.proxy if serve else f"http://{found.config.host}:{found.config.port}"
    counts = found.counts.counts
    return {
        "found": found,
        "problems": list(recording_problems(found)),
        "settings": settings,
        "captures": _CAPTURES,
        "projects": {
            key.split(".")[1]: value
            for key, value in settings.items()
            if key.startswith("projects.")
        },
        "upstreams": list(_upstreams(settings, progress.providers if progress else {})),
        "recorded": counts.get(Count.recorded, 0),
        "left_out": list(_counted(counts, LEFT_OUT)),
        "traffic": list(_counted(counts, TRAFFIC)),
        "skipped": progress.skipped.most_common(_MOST_REASONS) if progress else [],
        "lacking": progress.lacking.most_common(_MOST_REASONS) if progress else [],
        "size": size,
        "ways": ways(proxy),
        "proxy": proxy,
    }


def _counted(counts: Mapping[str, int], names: Mapping[Count, str]) -> Iterable[tuple[str, str]]:
    return ((exact(counts[count]), words) for count, words in names.items() if counts.get(count))


def _upstreams(
    settings: Mapping[str, str], providers: Mapping[str, Mapping[str, str]]
) -> Iterable[Upstream]:
    for key, url in settings.items():
        if not (key.startswith("upstreams.") and key.endswith(".url")):
            continue
        name = key.removeprefix("upstreams.").removesuffix(".url")
        said = providers.get(name, {})
        yield Upstream(
            name,
            url,
            settings.get(f"upstreams.{name}.capture", settings.get("capture", "")),
            said.get("provider", settings.get(f"upstreams.{name}.provider", "")),
            KNOWN.get(said.get("known_by", ""), "") if said else "",
        )


def ways(url: str) -> Sequence[Way]:
    """How each kind of client is pointed at a proxy; docs/clients.md says what of it was tried."""
    base: Json = {"options": {"baseURL": f"{url}/v1"}}
    opencode = json.dumps({"provider": {"anthropic": base, "openai": base}}, indent=2)
    codex = (
        'model_provider = "whycold"\n\n[model_providers.whycold]\n'
        f'name = "OpenAI through whycold"\nbase_url = "{url}/v1"\n'
        'env_key = "OPENAI_API_KEY"\nwire_api = "responses"'
    )
    served = "whycold serve --upstream openai=http://127.0.0.1"
    return (
        Way("Claude Code", "In a shell, or under env in ~/.claude/settings.json",
            f"ANTHROPIC_BASE_URL={url} claude"),
        Way("Anthropic SDK", "ANTHROPIC_BASE_URL does the same",
            f'client = Anthropic(base_url="{url}")'),
        Way("OpenAI SDK", "OPENAI_BASE_URL does the same",
            f'client = OpenAI(base_url="{url}/v1")'),
        Way("opencode", "In opencode.json", opencode),
        Way("Codex CLI", "In ~/.codex/config.toml", codex),
        Way("llama-server", "The engine behind whycold, the client in front of it",
            f"llama-server -m MODEL.gguf --port 8080\n{served}:8080"),
        Way("vLLM", "Without the option vLLM does not report what was read",
            f"vllm serve MODEL --enable-prompt-tokens-details\n{served}:8000"),
    )  # fmt: skip


def _data(ask: Ask) -> Json:
    """What ``whycold doctor --json`` prints, but for alerts."""
    found = _facts(ask.about, ask.now)
    said: list[Json] = [*recording_problems(found)]
    return {**found.as_json(), "problems": said}


PAGE = Page("settings", "/settings", "Settings", _show, data=_data, key="d", filtered=False)
