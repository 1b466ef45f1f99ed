"""The engines of a wrapped client: one per model name and account, all over one state, all pinned to one address."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from psf_runtime.client.core import Core
from psf_runtime.client.targets import Targets
from psf_runtime.errors import ConfigError, NotEligible
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import TargetFacts, Transport
from psf_runtime.providers.hosts import parse_base_url
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.mock import mock_named
from psf_runtime.providers.models import parse_model
from psf_runtime.providers.targets import BoundTarget, bind
from psf_runtime.providers.wire import TargetTransport
from psf_runtime.types.request import Request
from psf_runtime.types.target import Target

ENGINES_KEPT = 32
_VENDOR_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Who pays for a call: the key that the SDK put on its request, and the ids of an organisation and a project."""

    key: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "Account(hidden)"


class Engines:
    """Hands out the engine for a model and an account; the ones used last are kept.

    Args:
        base_url: of the wrapped client; every byte goes there.
        policy: whose `[targets]` may declare facts of this address.
        sender: an HTTP client over the wrapped client's own connections.
        make_core: makes an engine that has these targets.
    """

    def __init__(self, *, base_url: str, policy: Policy, sender: Any, make_core: Callable[[Targets], Core]) -> None:
        self._base_url = base_url
        self._policy = policy
        self._sender = sender
        self._make_core = make_core
        self._lock = threading.Lock()  # guards `_cores`
        self._cores: OrderedDict[tuple[str, Account], Core] = OrderedDict()

    def get(self, model: str, account: Account) -> Core:
        """The engine. Raises ConfigError for a name that no model can have, and for a missing key."""
        with self._lock:
            core = self._cores.get((model, account))
            if core is None:
                core = self.make(model, account)
                self._cores[model, account] = core
                if len(self._cores) > ENGINES_KEPT:
                    self._cores.popitem(last=False)  # not closed: a call may still be under way in it
            self._cores.move_to_end((model, account))
            return core

    def make(self, model: str, account: Account) -> Core:
        """An engine that is not kept."""
        return self._make_core(self._targets(model, account))

    def taken(self) -> list[Core]:
        """All engines, for closing; none is kept any longer."""
        with self._lock:
            cores = list(self._cores.values())
            self._cores.clear()
        return cores

    def _targets(self, model: str, account: Account) -> Targets:
        """The one target that can be reached, and those that a purpose names but that are somewhere else."""
        own = self._own(model, account)
        resilience = self._policy.resilience
        limits = HttpLimits(connect=resilience.connect_timeout, stall=resilience.idle_timeout)
        transport = HttpTransport(own, client=self._sender, require_stamp=True, limits=limits)
        others = tuple(self._elsewhere(own.name))
        transports: dict[str, Transport] = {facts.name: _Elsewhere() for facts in others}
        transports[own.name] = transport
        return Targets(
            facts=(own.facts, *others),
            first=own.name,
            default=(own.name,),
            models={own.name: model},
            codecs={own.name: own.codec},
            transport=TargetTransport(transports),
        )

    def _own(self, model: str, account: Account) -> BoundTarget:
        if account.key is None and parse_base_url(self._base_url, declared_own=True).facts is not None:
            raise ConfigError(
                "nothing was sent: the request has no key",
                why="there is no `Authorization: Bearer ...` header on it",
                change="give the wrapped client its key: OpenAI(api_key=...), httpx.Client(headers=...)",
            )
        name, declared = self._declared(model)
        wanted = replace(declared, model=f"openai:{model}", base_url=self._base_url, api_key=account.key)
        return replace(bind(wanted, name=name, environ={}), headers=account.headers)

    def _declared(self, model: str) -> tuple[str, Target]:
        """What the policy declares about this model at this address, under the name it has there."""
        for name, target in self._policy.targets.items():
            known = parse_model(target.model)
            url = known.base_url or target.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or _VENDOR_URL
            if known.provider == "openai" and known.name == model and _same_address(url, self._base_url):
                return name, target
        return "", Target(f"openai:{model}")

    def _elsewhere(self, own: str) -> Iterator[TargetFacts]:
        """Facts of the other targets that the plans of purposes name."""
        planned: Iterable[str] = (name for rule in self._policy.purposes.values() for name in rule.targets)
        for name in dict.fromkeys(planned):
            target = self._policy.targets[name]
            model = parse_model(target.model)
            if name == own:
                continue
            if model.provider == "mock":
                yield replace(mock_named(model.name).facts, name=name)
            else:
                yield bind(replace(target, api_key="never-sent"), name=name, environ=os.environ).facts


class _Elsewhere:
    """Stands for a target at another address, where a wrapped client does not go."""

    def open(self, request: Request, *, stream: bool, left: float | None) -> NoReturn:
        """Raises NotEligible."""
        raise NotEligible(
            f"nothing was sent: target '{request.model}' is not the address of the wrapped client.",
            control="resilience.route",
            why="a wrapped client speaks to one host, and the purpose names others",
            change="use psf_runtime.Client for several targets, or declare this host and model in [targets]",
            target=request.model,
        )

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> NoReturn:
        """Raises NotEligible."""
        self.open(request, stream=stream, left=left)


def _same_address(one: str, other: str) -> bool:
    first, second = parse_base_url(one, declared_own=True), parse_base_url(other, declared_own=True)
    return (first.origin, first.prefix) == (second.origin, second.prefix)
