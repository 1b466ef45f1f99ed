"""The engines of a wrapped client: one per model, account and dialect, over one state, pinned to one address."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from psf_runtime.client.core import Core
from psf_runtime.client.targets import Targets
from psf_runtime.client.wrapped.accounts import NOBODY, Account, TakenOver
from psf_runtime.errors import ConfigError, NotEligible
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import TargetFacts, Transport
from psf_runtime.providers.azure import VERSION
from psf_runtime.providers.credentials import Credentials
from psf_runtime.providers.handles import Seals
from psf_runtime.providers.hosts import parse_base_url
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.mock import mock_named
from psf_runtime.providers.models import parse_model
from psf_runtime.providers.targets import BoundTarget, bind
from psf_runtime.providers.vendors import VENDORS
from psf_runtime.providers.wire import TargetTransport
from psf_runtime.types.request import Request
from psf_runtime.types.target import Target

ENGINES_KEPT = 32
_TAKEN_OVER = "taken-over"  # stands for the key while a target is bound; what is sent is what the SDK had


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which engine a call needs.

    Attributes:
        provider, model: as in a model string.
        prefix: path of the base URL.
        account: who pays.
        version: of Azure's API, where one is named.
    """

    provider: str
    model: str
    prefix: str = ""
    account: Account = NOBODY
    version: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine, and the target that it speaks to."""

    core: Core
    target: BoundTarget


class Engines:
    """Hands out engines; the ones used last are kept.

    Args:
        origin: scheme, host and port; every byte goes there.
        policy: whose `[targets]` may declare facts of this address.
        sender: an HTTP client over the wrapped client's own connections; None opens connections of our own.
        make_core: makes an engine that has these targets.
        seals: seals what a vendor signed.
        credentials: signs every call, instead of the keys of the requests.
        region: of AWS.
    """

    def __init__(
        self,
        *,
        origin: str,
        policy: Policy,
        sender: Any,
        make_core: Callable[[Targets], Core],
        seals: Seals | None = None,
        credentials: Credentials | None = None,
        region: str | None = None,
    ) -> None:
        self._origin = origin
        self._policy = policy
        self._sender = sender
        self._make_core = make_core
        self._seals = seals
        self._credentials = credentials
        self._region = region
        self._lock = threading.Lock()  # guards `_engines`
        self._engines: OrderedDict[Wanted, Engine] = OrderedDict()

    def get(self, wanted: Wanted) -> Engine:
        """The engine. Raises ConfigError for a name that no model can have, and for a missing key."""
        with self._lock:
            engine = self._engines.get(wanted)
            if engine is None:
                engine = self.make(wanted)
                self._engines[wanted] = engine
                if len(self._engines) > ENGINES_KEPT:
                    self._engines.popitem(last=False)  # not closed: a call may still be under way in it
            self._engines.move_to_end(wanted)
            return engine

    def make(self, wanted: Wanted) -> Engine:
        """An engine that is not kept."""
        target = self._own(wanted)
        return Engine(self._make_core(self._targets(wanted.model, target)), target)

    def targets_of(self, wanted: Wanted, *, trial: bool = False) -> Targets:
        """The targets of an engine; for a trial nobody has to pay."""
        return self._targets(wanted.model, self._own(wanted, trial=trial))

    def taken(self) -> list[Core]:
        """All engines, for closing; none is kept any longer."""
        with self._lock:
            cores = [engine.core for engine in self._engines.values()]
            self._engines.clear()
        return cores

    def _targets(self, model: str, own: BoundTarget) -> Targets:
        """The one target that can be reached, and those that a purpose names but that are somewhere else."""
        resilience = self._policy.resilience
        limits = HttpLimits(connect=resilience.connect_timeout, stall=resilience.idle_timeout)
        transport = HttpTransport(own, client=self._sender, require_stamp=True, limits=limits, seals=self._seals)
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

    def _own(self, wanted: Wanted, *, trial: bool = False) -> BoundTarget:
        """The target of a call, with the key that the SDK had."""
        address = self._origin + wanted.prefix
        account = wanted.account
        keyless = not account.keys and self._credentials is None and not trial
        if keyless and self._is_vendors(wanted, address):
            raise ConfigError(
                "nothing was sent: the request has no key",
                why="there is no header with one on it",
                change="give the wrapped client its key: OpenAI(api_key=...), httpx.Client(headers=...)",
            )
        name, declared = self._declared(wanted, address)
        target = replace(
            declared,
            model=f"{wanted.provider}:{wanted.model}",
            base_url=address,
            api_key=_TAKEN_OVER,
            region=declared.region or self._region,
        )
        bound = bind(target, name=name, environ={VERSION: wanted.version})
        credentials = self._credentials or TakenOver(account.keys)
        return replace(bound, headers=account.ids, credentials=credentials)

    def _is_vendors(self, wanted: Wanted, address: str) -> bool:
        base = parse_base_url(address, declared_own=True)
        return base.facts is not None or (VENDORS[wanted.provider].needs_key and not base.is_loopback)

    def _declared(self, wanted: Wanted, address: str) -> tuple[str, Target]:
        """What the policy declares about this model at this address, under the name it has there."""
        for name, target in self._policy.targets.items():
            known = parse_model(target.model)
            if (known.provider, known.name) != (wanted.provider, wanted.model):
                continue
            url = known.base_url or target.base_url or _usual_url(known.provider)
            if _same_address(url, address, wanted.provider) if url else target.region == self._region:
                return name, target
        return "", Target(f"{wanted.provider}:{wanted.model}")

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


def _usual_url(provider: str) -> str:
    """Where the environment or the vendor says that a target without an address is; empty when nobody does."""
    vendor = VENDORS.get(provider)
    if vendor is None:
        return ""
    given = (os.environ.get(name, "").strip() for name in vendor.url_variables)
    return next((url for url in given if url), vendor.url)


def _same_address(one: str, other: str, provider: str) -> bool:
    """Whether two addresses are one; parts of the path that a provider's own rules add do not count."""
    drop = VENDORS[provider].drop
    first, second = parse_base_url(one, declared_own=True), parse_base_url(other, declared_own=True)
    if provider == "azure":
        same = first.prefix.partition("/openai")[0] == second.prefix.partition("/openai")[0]
        return first.origin == second.origin and same
    prefixes = [base.prefix.removesuffix(drop) if drop else base.prefix for base in (first, second)]
    return first.origin == second.origin and prefixes[0] == prefixes[1]
