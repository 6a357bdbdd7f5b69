"""The configuration of a language model: which server, which model, what it may cost, and how it is asked."""

from __future__ import annotations

import json
import os
import re
import threading
import unicodedata
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from biaozhu.data.errors import ConfigError, MissingFileError
from biaozhu.data.files import parse_toml

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DEFAULT_MAX_TOKENS = 4096
OWN_PARAMETERS = frozenset({"messages", "model", "n", "response_format", "tools"})
"""Keys of a request that `[parameters]` may not set, since the answer could not be read or checked then."""
# Parameters stand in the record of a layer.
SECRET = re.compile(r"api.?key|authorization|secret|password|credential|bearer|(?:access|auth).?token", re.IGNORECASE)
KEY = re.compile(r"[!-~]+")  # it travels in a header
TELLING_CHARS = 8  # of a key, in a row, that are not shown; shorter keys are not shown as a whole

AnswerForm = Literal["json", "marks"]
Count = Annotated[int, msgspec.Meta(ge=1)]
Many = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
MILLION = 1_000_000


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Price of a million tokens; `cached_input` is for those that the server says it had in its own cache."""

    input: Amount
    output: Amount
    cached_input: Amount | None = None
    currency: Text = "CNY"


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one run; None sets no limit."""

    tokens: Count | None = None
    money: Positive | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of a configuration file, which docs/llm.md describes.

    `key_env` names the variable of the key; one call has `batch_sentences`, with `context_chars` of text around them, and
    `examples` from the layers of `gold`. `answer` is `json` under a schema, or `marks`: the text repeated with marks.
    `score` is what each span gets, `proposes` the priority of a label in the combined layer (`annotators.registry`).
    """

    base_url: Text
    model: Text
    key_env: Annotated[str, msgspec.Meta(pattern=r"^([A-Z_][A-Z0-9_]*)?\Z")] = ""
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")] = "llm"
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    batch_sentences: Annotated[int, msgspec.Meta(ge=1, le=200)] = 20
    context_chars: Many = 200
    examples: Many = 8
    answer: AnswerForm = "json"
    gold: tuple[str, ...] = ()
    guideline: str = "annotations/guideline.md"
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 120.0
    retries: Many = 5
    retry_seconds: Positive = 1.0
    proxy: str = ""
    ca_bundle: str = ""
    parameters: dict[str, Any] = {}
    prices: Prices | None = None
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    budget: Budget = Budget()
    proposes: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}

    @property
    def max_tokens(self) -> int:
        """The most tokens that one answer may have."""
        stated = self.parameters.get("max_tokens", self.parameters.get("max_completion_tokens"))
        return DEFAULT_MAX_TOKENS if stated is None else int(stated)

    @property
    def request_parameters(self) -> dict[str, Any]:
        """Return the fields of each request beside its messages."""
        limit = {} if "max_completion_tokens" in self.parameters else {"max_tokens": self.max_tokens}
        return {"temperature": 0, **limit, **self.parameters}


def read_model_config(path: Path) -> Config:
    """Read and check a configuration; ConfigError also where it would send a key unencrypted."""
    where = str(path)
    try:
        table = parse_toml(path)
    except ValueError as error:
        raise ConfigError(f"not TOML: {error}", where=where) from None
    try:
        config = msgspec.convert(table, Config)
        json.dumps(config.parameters, allow_nan=False)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        what, key = f"not a language model's configuration: {error}", "key" in str(error)
        advice = "A key belongs into the environment: name the variable in key_env" if key else ""
        raise ConfigError(what, where=where, next_step=advice) from None
    _check_parameters(config, where)
    _check_url(config, where)
    if config.ca_bundle and not Path(config.ca_bundle).is_file():
        raise MissingFileError("no such file", where=config.ca_bundle)
    if config.budget.money is not None and config.prices is None:
        advice = "Give both, or budget.tokens"
        raise ConfigError("budget.money without [prices]", where=where, next_step=advice)
    return config


def read_key(config: Config) -> str:
    """Return the key from the environment, or nothing where the configuration names no variable."""
    if not config.key_env:
        return ""
    key = os.environ.get(config.key_env, "").strip()
    if not KEY.fullmatch(key):
        # The message does not show it.
        what = "is not set" if not key else "holds a character that no key has"
        raise ConfigError(f"the variable {what}", where=config.key_env, next_step="Export the key in it")
    return key


def hide_key(text: str, key: str) -> str:
    """Return text of a server without what it has of the key, also in other case or width, or with other signs in it."""
    own = "".join(letter for letter, _ in _letters_of(key))
    letters = _letters_of(text)
    said = "".join(letter for letter, _ in letters)
    size = min(TELLING_CHARS, len(own)) or len(said) + 1
    starts = [at for at in range(len(said) - size + 1) if said[at : at + size] in own]
    hidden = {at for start in starts for at in range(letters[start][1], letters[start + size - 1][1] + 1)}
    return "".join("…" * (at - 1 not in hidden) if at in hidden else one for at, one in enumerate(text))


def _letters_of(text: str) -> list[tuple[str, int]]:
    """Return its letters and digits without case and width, with their places."""
    folded = ((unicodedata.normalize("NFKC", one).casefold(), at) for at, one in enumerate(text))
    return [(letter, at) for some, at in folded for letter in some if letter.isalnum()]


def _check_parameters(config: Config, where: str) -> None:
    secrets = [one for one in _list_keys(config.parameters) if SECRET.search(one)]
    if taken := sorted([*(OWN_PARAMETERS & config.parameters.keys()), *secrets]):
        raise ConfigError(f"parameters.{taken[0]} is not for the configuration to set", where=where)
    for name in ("max_tokens", "max_completion_tokens"):
        value = config.parameters.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"parameters.{name} is {value!r}, no whole number above 0", where=where)


def _list_keys(value: Any) -> list[str]:
    """Return the keys of a value at every depth."""
    if isinstance(value, dict):
        return [*map(str, value), *_list_keys(list(value.values()))]
    return [key for one in value for key in _list_keys(one)] if isinstance(value, list) else []


def _check_url(config: Config, where: str) -> None:
    try:
        parts = urlsplit(config.base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or not config.base_url.isprintable():
        what = f"base_url {config.base_url!r} is not an http or https address"
        raise ConfigError(what, where=where, next_step="Write it as https://api.example.org/v1")
    if parts.username or parts.password:
        # The address itself is not shown: it holds a secret.
        what, advice = "base_url holds a name or a password", "Name the key's variable in key_env instead"
        raise ConfigError(what, where=where, next_step=advice)
    if config.key_env and parts.scheme == "http" and parts.hostname not in LOOPBACK:
        what = f"http would send the key of {config.key_env} unencrypted to {parts.hostname}"
        raise ConfigError(what, where=where, next_step="Use https in base_url")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of calls; `cached` are those of the input that the server had in its own cache."""

    input: int = 0
    output: int = 0
    cached: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        tokens = self.input + other.input, self.output + other.output, self.cached + other.cached
        return Usage(*tokens, self.estimated or other.estimated)

    def cost(self, prices: Prices | None) -> float | None:
        """Return what it costs, in the currency of the prices; None without any."""
        if prices is None:
            return None
        cached_price = prices.input if prices.cached_input is None else prices.cached_input
        fresh = self.input - self.cached
        return (fresh * prices.input + self.cached * cached_price + self.output * prices.output) / MILLION


class Meter:
    """Counts calls and tokens of all threads, and tells before each call whether the budget still has room for it."""

    def __init__(self, budget: Budget, prices: Prices | None) -> None:
        self.budget = budget
        self.prices = prices
        self.calls = 0
        self.used = Usage()
        self._reserved = Usage()
        self._under_way = 0
        self._settled = threading.Condition()

    def reserve(self, most: Usage) -> bool:
        """Set aside what a call may use at most, once calls under way leave room; False where none of them can."""

        def has_room() -> bool:
            return self.fits(self.used + self._reserved + most)

        with self._settled:
            self._settled.wait_for(lambda: not self._under_way or has_room())
            if is_granted := has_room():
                self._reserved += most
                self._under_way += 1
            return is_granted

    def settle(self, reserved: Usage, used: Usage) -> None:
        """Count a call that was made, in place of what was set aside for it."""
        with self._settled:
            self._reserved += Usage(-reserved.input, -reserved.output)
            self._under_way -= 1
            self.used += used
            self.calls += 1
            self._settled.notify_all()

    def describe(self, times: float = 1) -> dict[str, Any]:
        """Return the figures of a summary, or what so many times as much would use."""
        fresh, answer, cached = (round(one * times) for one in astuple(self.used)[:3])
        used = Usage(fresh, answer, cached, self.used.estimated)
        cost = used.cost(self.prices)
        return {
            "calls": round(self.calls * times),
            "tokens": asdict(used),
            "cost": None if cost is None else round(cost, 6),
            "currency": self.prices.currency if self.prices else None,
        }

    def show_cost(self) -> str:
        """Return the cost so far as a progress bar shows it, or the tokens where there is no price."""
        cost = self.used.cost(self.prices)
        if cost is None or self.prices is None:
            return f"{self.used.input + self.used.output:,} tokens"
        return f"{cost:.4f} {self.prices.currency}"

    def fits(self, most: Usage) -> bool:
        """Tell whether the whole budget has room for so much."""
        own, cost = self.budget, most.cost(self.prices)
        has_tokens = own.tokens is None or most.input + most.output <= own.tokens
        return has_tokens and (own.money is None or cost is None or cost <= own.money)


def estimate_tokens(chars: int) -> int:
    """Return how many tokens a text may have at most; Chinese takes 0.5 to 0.8 of a token a character."""
    return chars + 1
