"""From what a user wrote (model strings, Targets, a mock) to transports with facts."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from psf_runtime.adapters.aws import sigv4
from psf_runtime.errors import ConfigError, Problem
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import TargetFacts, Transport
from psf_runtime.providers.handles import Seals
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.mock import MockProvider, mock_named
from psf_runtime.providers.models import is_model_string, parse_model
from psf_runtime.providers.targets import BoundTarget, bind
from psf_runtime.providers.wire import TargetTransport
from psf_runtime.types.target import Target

LOGGER = logging.getLogger("psf_runtime")
SUNSET_NOTICE = 90  # days before a model's end from which on a client says so
Wanted = str | Target | MockProvider


@dataclass(frozen=True, slots=True, repr=False)
class Targets:
    """Every target of a client.

    Attributes:
        facts: in the order in which they are asked; `first`: name of the one asked first, empty when a plan decides.
        default: names for calls whose purpose has no plan of its own.
        models: per target, the model's name as the provider knows it.
        codecs: per target, what writes its wire; a mock has none.
    """

    facts: tuple[TargetFacts, ...]
    first: str
    default: tuple[str, ...]
    models: Mapping[str, str]
    codecs: Mapping[str, Any]
    transport: TargetTransport


class _Collector:
    def __init__(self, policy: Policy, http_client: Any, seals: Seals | None) -> None:
        resilience = policy.resilience
        self._policy = policy
        self._http_client = http_client
        self._seals = seals
        self._limits = HttpLimits(connect=resilience.connect_timeout, stall=resilience.idle_timeout)
        self.facts: dict[str, TargetFacts] = {}
        self.models: dict[str, str] = {}
        self.codecs: dict[str, Any] = {}
        self.transports: dict[str, Transport] = {}
        self.problems: list[Problem] = []
        self._hosts: dict[str, tuple[str, str]] = {}

    def add(self, wanted: Wanted, name: str = "") -> str:
        """Bind one target; returns its name, or notes what is wrong with it."""
        if isinstance(wanted, str) and not is_model_string(wanted):
            return self._named(wanted)
        try:
            return self._bound(wanted, name)
        except ConfigError as error:
            self.problems.append(
                (name or _label(wanted), error.what + (f": {error.why}" if error.why else ""), error.change)
            )
            return ""

    def _named(self, name: str) -> str:
        target = self._policy.targets.get(name)
        if target is None:
            known = ", ".join(self._policy.targets) or "none"
            self.problems.append(
                (
                    "model",
                    f"{name!r} is no target of the policy",
                    f"write provider:{name}, or one of its targets: {known}",
                )
            )
            return ""
        return name if name in self.facts else self.add(target, name)

    def _bound(self, wanted: Wanted, name: str) -> str:
        if isinstance(wanted, MockProvider):
            return self._mock(wanted, wanted.name)
        if not isinstance(wanted, str | Target):
            raise ConfigError(
                f"a target cannot be a {type(wanted).__name__}",
                change="pass a model string, a Target, or a MockProvider",
            )
        model = parse_model(wanted if isinstance(wanted, str) else wanted.model)
        if model.provider == "mock":
            mock = mock_named(model.name)
            return mock.name if not name and mock.name in self.facts else self._mock(mock, name or mock.name)
        bound = bind(wanted, name=name, environ=os.environ, aws=sigv4)
        if bound.name in self.facts:
            if self._hosts.get(bound.name) == (bound.origin, bound.prefix):
                return bound.name
            # The same model at another host is another target, and needs a name of its own.
            unique = f"{bound.name}@{bound.origin.partition('//')[2]}{bound.prefix}"
            bound = bind(wanted, name=unique, environ=os.environ, aws=sigv4)
        self._hosts[bound.name] = (bound.origin, bound.prefix)
        _tell_of_sunset(bound)
        transport = HttpTransport(
            bound, client=self._http_client, require_stamp=True, limits=self._limits, seals=self._seals
        )
        self.models[bound.name] = model.name
        return self._keep(bound.facts, transport, bound.codec)

    def _mock(self, mock: MockProvider, name: str) -> str:
        if self.transports.get(name) is mock:
            return name
        number = 2
        unique = name
        while unique in self.facts:
            unique, number = f"{name}#{number}", number + 1
        return self._keep(replace(mock.facts, name=unique), mock, None)

    def _keep(self, facts: TargetFacts, transport: Transport, codec: Any) -> str:
        self.facts[facts.name] = facts
        self.transports[facts.name] = transport
        self.codecs[facts.name] = codec
        return facts.name


def _tell_of_sunset(bound: BoundTarget) -> None:
    """Say once, when the client is made, that the vendor stops serving a model soon, or did."""
    if bound.sunset is None:
        return
    days = (bound.sunset - date.today()).days
    if days < 0:
        LOGGER.warning("%s: the vendor announced that it served this model until %s", bound.name, bound.sunset)
    elif days <= SUNSET_NOTICE:
        LOGGER.warning("%s: the vendor stops serving this model on %s", bound.name, bound.sunset)


def _label(wanted: Any) -> str:
    text = wanted.model if isinstance(wanted, Target) else wanted if isinstance(wanted, str) else "model"
    return text.partition("@http")[0] if ":" in text else text


def gather_targets(
    model: Wanted | None,
    *,
    fallbacks: Sequence[Wanted],
    policy: Policy,
    http_client: Any,
    api_key: Any,
    base_url: str | None,
    region: str | None,
    seals: Seals | None = None,
) -> Targets:
    """Bind every target of a client. Nothing connects. Raises ConfigError that lists everything that is wrong."""
    collector = _Collector(policy, http_client, seals)
    own: list[str] = []
    if isinstance(fallbacks, str | Target | MockProvider) or not isinstance(fallbacks, Sequence):
        collector.problems.append(
            ("fallbacks", f"is a {type(fallbacks).__name__}", 'fallbacks=["openai:gpt-4o"], a list')
        )
        fallbacks = ()
    if model is not None:
        own.append(collector.add(_with_own_settings(model, policy, api_key, base_url, region)))
        own += [collector.add(fallback) for fallback in fallbacks]
    elif fallbacks or api_key is not None or base_url is not None or region is not None:
        collector.problems.append(
            ("model", "is missing, but fallbacks, api_key, base_url or region are given", "name the first model")
        )
    for name, target in policy.targets.items():
        if name not in collector.facts:
            collector.add(target, name)
    if model is None and not policy.targets and not collector.problems:
        collector.problems.append(
            (
                "model",
                "is missing, and the policy names no targets",
                'Client("openai:gpt-4o"), or [targets] in the policy',
            )
        )
    if collector.problems:
        count = len(collector.problems)
        raise ConfigError(
            f"the client has {count} problem{'s' if count > 1 else ''}; nothing was sent", problems=collector.problems
        )
    default = tuple(dict.fromkeys(own)) or tuple(collector.facts)
    return Targets(
        facts=tuple(collector.facts.values()),
        first=own[0] if own else "",
        default=default,
        models=collector.models,
        codecs=collector.codecs,
        transport=TargetTransport(collector.transports),
    )


def _with_own_settings(model: Wanted, policy: Policy, api_key: Any, base_url: str | None, region: str | None) -> Wanted:
    """The first model with the key, address and region given beside it."""
    given = {"api_key": api_key, "base_url": base_url, "region": region}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        return model
    if isinstance(model, MockProvider):
        raise ConfigError("a MockProvider has no key, address or region", change="leave api_key, base_url, region out")
    if isinstance(model, str) and model in policy.targets:
        raise ConfigError(
            "api_key, base_url and region do not go with the name of a target",
            change=f"set them in [targets.{model}] of the policy",
        )
    return replace(Target(model) if isinstance(model, str) else model, **changes)
