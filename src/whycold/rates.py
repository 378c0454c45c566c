"""USD per token for a call, by its model's price at its own time; the only user of genai-prices.

Prices come from the data that genai-prices carries, never from a download, or from a file of the
user's in LiteLLM's format. Corrections and factors: Claude docs, Prompt caching and Pricing
(October and November 2026); litellm 1.109.1; OpenAI docs, Prompt caching; all read 2026-11-23.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING

from whycold.core.call import Usage
from whycold.core.content import Json, JsonMap, as_map
from whycold.core.cost import Rates
from whycold.errors import UserError

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

__all__ = ["Overrides", "rates_for"]

_PACKAGE_IDS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "bedrock-anthropic": "aws",
    "deepseek": "deepseek",
    "foundry": "azure",
    "gemini": "google",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "openrouter",
    "vertex": "google",
    "vertex-anthropic": "google",
    "xai": "x-ai",
    "zai": "zai",
}
"""Our names of providers to those of genai-prices; a provider that is not here has no price."""

_BEHIND_LITELLM: Mapping[str, str] = {
    "azure_ai": "foundry",
    "vertex_ai": "vertex",
    "claude": "anthropic",
    "gemini": "gemini",
    "gpt": "openai",
}
"""The beginning of a model's name at a LiteLLM proxy to the provider that it is."""

_LITELLM_IDS: Mapping[str, tuple[str, ...]] = {
    "bedrock": ("bedrock", "bedrock_converse"),
    "bedrock-anthropic": ("bedrock", "bedrock_converse"),
    "foundry": ("azure_ai",),
    "qwen": ("dashscope",),
    "vertex": ("vertex_ai",),
    "vertex-anthropic": ("vertex_ai",),
}
"""What LiteLLM puts before a model's name where that is not our name of the provider."""

_SAME_PRICE: Mapping[str, str] = {
    "claude-mythos-5-1": "claude-fable-5-1",
    "claude-mythos-5": "claude-fable-5",
    "claude-mythos-preview": "claude-fable-5",
}
"""Models that genai-prices 0.2.3 lacks, and one of the same price (litellm 1.109.1)."""

_STANDARD_TIERS = frozenset({None, "auto", "default", "standard"})

_BATCH = Decimal("0.5")
_US_ONLY = Decimal("1.1")
_FAST = Decimal(2)
_PER_MILLION = Decimal(1_000_000)

_SONNET_5_5 = re.compile(r"claude-sonnet-5[.-]5")
_SONNET_READ_CUT = date(2026, 10, 7)
_TENTH = Decimal("0.1")
"""What a read cost of the input: on Claude Sonnet 5.5 before that day, for which genai-prices has
0.05, and on Mistral (docs.mistral.ai), for which it has nothing."""

_TWELVE_HOURS = Decimal(2)
"""OpenAI's 12 h write in prices of its 30 m write (litellm 1.109.1)."""


@dataclass(frozen=True, slots=True)
class _Price:
    """USD per token: ``steps`` are (from more than so many input tokens on, price), rising."""

    base: Decimal | None
    steps: tuple[tuple[int, Decimal], ...] = ()

    def times(self, factor: Decimal) -> _Price:
        """Each price times the factor."""
        base = None if self.base is None else self.base * factor
        return _Price(base, tuple((start, price * factor) for start, price in self.steps))

    def at(self, length: int | None) -> Decimal | None:
        """The price for an input of that length; unknown when it depends on an unknown length."""
        if length is None and self.steps:
            return None
        passed = [price for start, price in self.steps if length is not None and length > start]
        return passed[-1] if passed else self.base


@dataclass(frozen=True, eq=False, slots=True)
class _Listed:
    """What a price list says of a model at one time and tier, by the names of ``Rates``' fields."""

    source: str
    prices: Mapping[str, _Price]

    @property
    def thresholds(self) -> tuple[int, ...]:
        """The input lengths at which a price changes."""
        return tuple(sorted({n for price in self.prices.values() for n, _ in price.steps}))


class Overrides:
    """Prices that the user gives, in the format of LiteLLM's price file.

    ``entries`` maps a model, or ``provider/model``, to its prices in USD per token:
    ``input_cost_per_token``, ``output_cost_per_token``, ``cache_read_input_token_cost``,
    ``cache_creation_input_token_cost`` and its ``_above_1hr`` and ``_above_12hr``, each also with
    ``_above_200k_tokens`` (any length), ``_batches``, ``_flex`` and ``_priority``. An entry
    replaces all that is known of its model. UserError for a price that is no number.
    """

    def __init__(self, entries: JsonMap) -> None:
        self._entries = {
            name.lower(): _read_entry(name, entry)
            for name, value in entries.items()
            if (entry := as_map(value)) is not None and name != "sample_spec"
        }
        if not self._entries:
            raise UserError("holds no prices: expected an object of models, as in LiteLLM's file")

    def find(self, provider: str, model: str, tier: str) -> _Listed | None:
        """The prices of a model in a tier ("" is the standard one); None when it is not listed."""
        before = (provider, *_LITELLM_IDS.get(provider, ()))
        for name in (*(f"{start}/{model}" for start in before), model):
            entry = self._entries.get(name.lower())
            if entry is not None:
                return _Listed("price file", entry.get(tier, {}))
        return None


_KEYS: Mapping[str, str] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost_above_12hr": "cache_write_12h",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost": "cache_write",
}
"""Keys of LiteLLM to our names; of two that begin alike the longer one first."""

_SUFFIX = re.compile(r"_(?:above_(?P<length>\d+)k_tokens|(?P<tier>batches|fast|flex|priority))")


def _read_entry(model: str, entry: JsonMap) -> Mapping[str, Mapping[str, _Price]]:
    """The prices of one model, by tier."""
    found: dict[str, dict[str, dict[int, Decimal]]] = {}
    for key, value in entry.items():
        place = _place(key)
        if place is None or value is None:
            continue
        name, tier, start = place
        price = _decimal(value)
        if price is None:
            raise UserError(f"{model}: {key} is not a price in USD per token")
        found.setdefault(tier, {}).setdefault(name, {})[start] = price
    return {
        tier: {name: _stepped(prices) for name, prices in names.items()}
        for tier, names in found.items()
    }


def _place(key: str) -> tuple[str, str, int] | None:
    """What a key of LiteLLM's file prices: our name, the tier, from how many tokens on."""
    for start, name in _KEYS.items():
        if not key.startswith(start):
            continue
        rest, length, tier = key[len(start) :], 0, ""
        while rest:
            suffix = _SUFFIX.match(rest)
            if suffix is None:
                return None
            length = int(suffix["length"]) * 1000 if suffix["length"] else length
            tier = suffix["tier"] or tier
            rest = rest[suffix.end() :]
        return name, tier, length
    return None


def _decimal(value: Json) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return None
    return price if price.is_finite() and price >= 0 else None


def _stepped(prices: Mapping[int, Decimal]) -> _Price:
    return _Price(prices.get(0), tuple(sorted(step for step in prices.items() if step[0])))


def rates_for(
    provider: str, model: str, at: datetime, usage: Usage, overrides: Overrides | None = None
) -> Rates | None:
    """USD per token for a call to ``model`` at ``at`` (aware), by our name of the ``provider``.

    ``usage`` tells what the price depends on: length of the input, tier, batch, speed, region.
    ``overrides`` come before the list. None for a model without a price: a local engine, an unknown
    name, a tier that the list does not price.
    """
    utc = at.astimezone(UTC)
    quarter = utc.replace(minute=utc.minute // 15 * 15, second=0, microsecond=0)
    tier = "batches" if usage.batch or usage.tier == "batch" else usage.tier
    tier = "" if tier in _STANDARD_TIERS else tier or ""
    listed = _listed(provider, model, quarter, tier, overrides)
    if listed is None:
        return None
    factor = _factor(provider, usage)
    return None if factor is None else _rates(listed, _length(listed, usage.input), factor)


def _factor(provider: str, usage: Usage) -> Decimal | None:
    """What Anthropic's list prices are multiplied with; elsewhere no speed has a known price."""
    factor = Decimal(1)
    if provider != "anthropic":
        return factor if usage.speed in (None, "standard") else None
    if usage.batch:
        factor *= _BATCH
    if usage.region == "us":
        factor *= _US_ONLY
    if usage.speed == "fast":
        factor *= _FAST
    return factor


def _length(listed: _Listed, tokens: int | None) -> int | None:
    """A length of the same price, so that few are told apart; None when unknown."""
    if tokens is None:
        return None
    passed = bisect_left(listed.thresholds, tokens)
    return listed.thresholds[passed - 1] + 1 if passed else 0


@lru_cache(maxsize=4096)
def _listed(
    provider: str, model: str, at: datetime, tier: str, overrides: Overrides | None
) -> _Listed | None:
    # batches cost half at Anthropic, which a factor says
    tier = "" if provider == "anthropic" and tier == "batches" else tier
    if overrides is not None and (own := overrides.find(provider, model, tier)) is not None:
        return own
    if provider == "litellm":
        provider, model = _behind_litellm(model)
    package_id = _PACKAGE_IDS.get(provider)
    return None if package_id is None else _from_package(package_id, model, at, tier)


def _behind_litellm(model: str) -> tuple[str, str]:
    name = model.removeprefix("litellm_proxy/")
    start, slash, rest = name.partition("/")
    if slash:
        return _BEHIND_LITELLM.get(start, start), rest
    return _BEHIND_LITELLM.get(name.partition("-")[0], ""), name


def _from_package(package_id: str, model: str, at: datetime, tier: str) -> _Listed | None:
    """The list price, with what the list leaves out: other names, an older price, 12 h writes."""
    calculation = _calculated(package_id, model, at, tier)
    if calculation is None:
        return None
    prices = dict(_package_prices(calculation))
    _correct(prices, package_id, calculation.model.id, at.date())
    return _Listed(f"genai-prices {_package_version()}", prices)


def _calculated(package_id: str, model: str, at: datetime, tier: str) -> PriceCalculation | None:
    # it takes a good part of a second to import, and most commands never ask for a price
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    context = {"processing": "batch"} if tier == "batches" else {"service_tier": tier}
    for name in (model, _SAME_PRICE.get(model.lower())):
        if name is None:
            continue
        try:
            found = calc_price(
                Tokens(input_tokens=1),
                name,
                provider_id=package_id,
                genai_request_timestamp=at,
                price_context=context if tier else None,
            )
        except LookupError:
            continue
        return found if not tier or _is_priced(found, context, at) else None
    return None


def _is_priced(found: PriceCalculation, context: Mapping[str, str], at: datetime) -> bool:
    """Whether the list has prices for the tier; where it has not, it gives the standard ones."""
    return any(model is found.model for model in found.provider.models) and any(
        variant.when == context and (not variant.constraint or variant.constraint.active(at))
        for variant in found.model.price_variants or ()
    )


def _package_prices(found: PriceCalculation) -> Iterator[tuple[str, _Price]]:
    from genai_prices.types import TieredPrices

    for name in ("input", "output", "cache_read", "cache_write", "cache_write_1h"):
        value = getattr(found.model_price, f"{name}_mtok")
        if isinstance(value, TieredPrices):
            steps = ((step.start, step.price / _PER_MILLION) for step in value.tiers)
            yield name, _Price(value.base / _PER_MILLION, tuple(steps))
        elif value is not None:
            yield name, _Price(value / _PER_MILLION)


def _correct(prices: dict[str, _Price], package_id: str, model: str, day: date) -> None:
    base, write = prices.get("input"), prices.get("cache_write")
    if base is None:
        return
    before_cut = _SONNET_5_5.search(model) is not None and day < _SONNET_READ_CUT
    if before_cut or (package_id == "mistral" and "cache_read" not in prices):
        prices["cache_read"] = base.times(_TENTH)
    if write is not None and package_id in ("openai", "azure"):
        prices["cache_write_12h"] = write.times(_TWELVE_HOURS)
    if write is None and "claude" not in model:
        # who asks nothing extra for a write charges it as input
        prices["cache_write"] = prices["cache_write_1h"] = prices["cache_write_12h"] = base


@lru_cache(maxsize=1)
def _package_version() -> str:
    from genai_prices import __version__

    return __version__


@lru_cache(maxsize=4096)
def _rates(listed: _Listed, length: int | None, factor: Decimal) -> Rates:
    def of(name: str) -> Decimal | None:
        price = listed.prices.get(name)
        per_token = None if price is None else price.at(length)
        return None if per_token is None else per_token * factor

    write = of("cache_write")
    return Rates(
        input=of("input"),
        cache_read=of("cache_read"),
        cache_write=write,
        cache_write_5m=write,
        cache_write_30m=write,
        cache_write_1h=of("cache_write_1h"),
        cache_write_12h=of("cache_write_12h"),
        output=of("output"),
        source=listed.source,
    )
