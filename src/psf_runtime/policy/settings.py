"""The settings of the eight domains. The defaults of these classes are the standard preset.

A field is a key of psf.toml (`privacy.consent`). A field that is named like a control holds its mode; a mode of
`"both"` means: enforced where it rarely errs, observed where it often does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from psf_runtime.policy.checking import Wrong, plain
from psf_runtime.policy.duration import parse_duration
from psf_runtime.policy.entities import Action, action_trouble
from psf_runtime.policy.frozen import EMPTY
from psf_runtime.policy.money import Budget, parse_budget
from psf_runtime.policy.recipients import surrogate_trouble
from psf_runtime.policy.settings_base import Settings, Trouble
from psf_runtime.policy.wording import MEMORY_ONLY, NOT_YET, halt_trouble, host_trouble, parse_trouble
from psf_runtime.types.rules import Mode

Firm = Literal["enforce"]
Halves = Literal["both", "enforce", "observe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy(Settings):
    """Domain 01: personal data and consent.

    `special` is not in this version, and `media` can only observe.

    Attributes:
        actions: what happens to an entity, as in `{"CREDIT_CARD": "mask"}`: token, surrogate, mask, hash, block or
            allow. A surrogate looks like a real value and comes from a range reserved for examples.
        actions_by_jurisdiction: what happens to it for recipients there, as in `{"US": {"EMAIL": "mask"}}`. A request
            is prepared once, at the strictest action over everybody who may receive it.
        invented: what becomes of tokens in an answer that nobody made: leave, mask or block.
        detectors: what looks for personal data: `"builtin"`, and `"presidio"` beside it (the extra of that name).
        presidio_model: folder of a spaCy model, with which `"presidio"` finds names, places and organisations too.
    """

    domain: ClassVar[str] = "privacy"

    tokens: Firm = "enforce"
    secrets: Firm = "enforce"
    special: Mode = "observe"
    media: Mode = "observe"
    consent: Mode = "observe"
    residency: Mode = "observe"
    actions: Mapping[str, Action] = EMPTY
    actions_by_jurisdiction: Mapping[str, Mapping[str, Action]] = EMPTY
    invented: Literal["leave", "mask", "block"] = "leave"
    detectors: Sequence[str] = ("builtin",)
    presidio_model: str | None = None

    @classmethod
    def rules(cls, values: Mapping[str, Any]) -> list[Trouble]:
        """Entities and detectors must be ones that this version has."""
        troubles: list[Trouble] = []
        detectors = values.get("detectors", ("builtin",))
        tables = [("actions", "", values.get("actions", {}))]
        for place, table in values.get("actions_by_jurisdiction", {}).items():
            tables.append(("actions_by_jurisdiction", f"{plain(place)}: ", table))
        for name, where, table in tables:
            for entity, action in table.items():
                found = action_trouble(entity, action, detectors) or surrogate_trouble(entity, action)
                if found:
                    troubles.append((name, where + found[0], found[1]))
        if "builtin" not in detectors:
            troubles.append(("detectors", 'lacks "builtin", which alone finds keys and passwords', '["builtin"]'))
        if values.get("presidio_model") is not None and "presidio" not in detectors:
            troubles.append(("presidio_model", "is for the detector presidio", 'detectors = ["builtin", "presidio"]'))
        if any(name not in ("builtin", "presidio") for name in detectors):
            troubles.append(("detectors", "names a detector that nobody knows", '["builtin"]'))
        return troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitness(Settings):
    """Domain 02: certificates.

    Attributes:
        certificate: whether a target must hold a valid certificate for the purpose.
        signers: keys of those who may sign certificates. Signatures are not in this version: refused unless empty.
    """

    domain: ClassVar[str] = "fitness"

    certificate: Mode = "observe"
    signers: Sequence[str] = ()

    @classmethod
    def rules(cls, values: Mapping[str, Any]) -> list[Trouble]:
        """Certificates have no signatures yet."""
        if not values.get("signers"):
            return []
        return [("signers", f"signed certificates are not in this version yet: {MEMORY_ONLY}", "remove it")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portability(Settings):
    """Domain 03: one interface for all models.

    Attributes:
        pin: dated model names, and the model that answered is the one expected.
        capability: what a target cannot do is emulated or refused before sending.
    """

    domain: ClassVar[str] = "portability"

    pin: Mode = "observe"
    capability: Firm = "enforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts(Settings):
    """Domain 04: what may go in and what may come out.

    Attributes:
        allowed_links: hosts that links in an answer may point to.
        reasoning: whether the caller gets the model's reasoning: `withhold` or `deliver`.
    """

    domain: ClassVar[str] = "contracts"

    size: Mode = "enforce"
    unicode: Mode = "enforce"
    injection: Halves = "both"
    leak: Mode = "enforce"
    output: Firm = "enforce"
    tools: Mode = "enforce"
    links: Literal["both", "enforce"] = "both"
    refusal: Halves = "both"
    allowed_links: Sequence[str] = ()
    reasoning: Literal["withhold", "deliver"] = "withhold"

    @classmethod
    def rules(cls, values: Mapping[str, Any]) -> list[Trouble]:
        """Links are allowed by host."""
        if any(host_trouble(host) for host in values.get("allowed_links", ())):
            return [("allowed_links", "holds something that is not the bare name of a host", '["acme.example"]')]
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversight(Settings):
    """Domain 05: people who decide.

    Attributes:
        reviewers: groups and the people in them, as in `{"leads": ["lee@acme.example"]}`.
        value_above: the amount from which the trigger of that name opens a ticket.
        deadline: how long a ticket may stay open (`"4h"`); after it the answer is no.
        on_expiry: what happens then; only `"reject"` is in this version.
    """

    domain: ClassVar[str] = "oversight"

    autonomy: Mode = "observe"
    triggers: Mode = "observe"
    reviewers: Mapping[str, Sequence[str]] = EMPTY
    value_above: float | None = None
    deadline: str = "4h"
    on_expiry: Literal["reject"] = "reject"

    @property
    def deadline_seconds(self) -> float:
        """The deadline of a ticket, in seconds."""
        return parse_duration(self.deadline)

    @classmethod
    def trouble_with(cls, name: str, value: Any) -> Wrong | None:
        """What is wrong with one setting."""
        if name == "on_expiry" and value == "safe_message":
            return f'"safe_message" {NOT_YET}', '"reject"'
        return super(Oversight, cls).trouble_with(name, value)

    @classmethod
    def rules(cls, values: Mapping[str, Any]) -> list[Trouble]:
        """Groups have people, amounts are positive, the deadline is a duration."""
        troubles: list[Trouble] = []
        if any(not people or not all(people) for people in values.get("reviewers", {}).values()):
            troubles.append(("reviewers", "holds a group without people", '{ leads = ["lee@acme.example"] }'))
        value_above = values.get("value_above")
        if value_above is not None and value_above <= 0:
            troubles.append(("value_above", "must be more than 0", "an amount such as 1000"))
        if "deadline" in values:
            troubles += parse_trouble("deadline", parse_duration, values["deadline"], '"4h"')
        return troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Observability(Settings):
    """Domain 06: the record of every call, and drift of answers over time."""

    domain: ClassVar[str] = "observability"

    record: Firm = "enforce"
    drift: Mode = "observe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resilience(Settings):
    """Domain 07: limits, and what happens when something fails.

    Attributes:
        timeout: seconds for the whole call, with retries, re-asks and fallbacks.
        connect_timeout: seconds to reach a host; `idle_timeout`: seconds without a byte of a stream.
        retries: how often one target is asked again; `attempts`: how often any provider is asked, in all.
        halt: a file that stops all calls while it exists, as `"file:/run/psf.halt"`.
        budget: money that all calls of a client may cost (`"200 USD/day"`), beside the budgets of purposes.
        mid_stream: what a failure in the middle of a stream does; only `"end"` is in this version.
    """

    domain: ClassVar[str] = "resilience"

    timeout: float = 600.0
    connect_timeout: float = 5.0
    idle_timeout: float = 180.0
    retries: int = 2
    attempts: int = 5
    halt: str | None = None
    budget: str | None = None
    mid_stream: Literal["end"] = "end"

    @property
    def halt_file(self) -> str | None:
        """The path of the file that stops all calls, or None."""
        return None if self.halt is None else self.halt.removeprefix("file:")

    @property
    def budget_value(self) -> Budget | None:
        """The budget of the client, or None."""
        return None if self.budget is None else parse_budget(self.budget)

    @classmethod
    def trouble_with(cls, name: str, value: Any) -> Wrong | None:
        """What is wrong with one setting."""
        if name == "mid_stream" and value == "restart":
            return f'"restart" {NOT_YET}', '"end"'
        if name == "halt" and isinstance(value, str):
            return halt_trouble(value)
        return super(Resilience, cls).trouble_with(name, value)

    @classmethod
    def rules(cls, values: Mapping[str, Any]) -> list[Trouble]:
        """Limits are limits."""
        troubles: list[Trouble] = []
        troubles += [
            (name, "must be more than 0 seconds", "a number such as 30")
            for name in ("timeout", "connect_timeout", "idle_timeout")
            if values.get(name, 1) <= 0
        ]
        if not 0 <= values.get("retries", 0) <= 10:
            troubles.append(("retries", "must be from 0 to 10", "2"))
        if not 1 <= values.get("attempts", 1) <= 50:
            troubles.append(("attempts", "must be from 1 to 50", "5"))
        if values.get("budget") is not None:
            troubles += parse_trouble("budget", parse_budget, values["budget"], '"200 USD/day"')
        return troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Accountability(Settings):
    """Domain 08: a named owner, and the decision log."""

    domain: ClassVar[str] = "accountability"

    owner: Mode = "observe"
    log: Firm = "enforce"


_CLASSES = (Privacy, Fitness, Portability, Contracts, Oversight, Observability, Resilience, Accountability)
DOMAINS: Mapping[str, type[Settings]] = MappingProxyType({cls.domain: cls for cls in _CLASSES})
