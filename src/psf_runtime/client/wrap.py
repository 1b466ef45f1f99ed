"""`wrap(client)`: the controls of a policy around a client that you already have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from psf_runtime.client.core import Core
from psf_runtime.client.targets import Targets
from psf_runtime.client.tickets import AsyncTickets, Tickets
from psf_runtime.client.wrapped.boto import is_bedrock_client, wrap_bedrock
from psf_runtime.client.wrapped.clients import Found, Original, guarded_copy, recognise
from psf_runtime.client.wrapped.core import FactsSeen, WrappedCore
from psf_runtime.client.wrapped.dialects import CHAT, MESSAGES
from psf_runtime.client.wrapped.engines import Engines, Wanted
from psf_runtime.client.wrapped.gateway import Gateway
from psf_runtime.client.wrapped.instrumentors import check_instrumentors
from psf_runtime.client.wrapped.paths import Paths
from psf_runtime.client.wrapped.sdk_logs import quiet_sdk_logs
from psf_runtime.client.wrapped.transports import asynchronous_transport, blocking_transport
from psf_runtime.flow.clock import SystemClock
from psf_runtime.policy.environment import choose_policy
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.state import State, open_state
from psf_runtime.providers.hosts import parse_base_url
from psf_runtime.stores.sealing import Sealer

C = TypeVar("C")


@dataclass(frozen=True, slots=True, repr=False)
class Setting:
    """What all engines of one wrapped client share."""

    policy: Policy
    stores: State
    clock: SystemClock
    purpose: str | None
    tenant: str | None
    seen: FactsSeen

    @property
    def strict(self) -> bool:
        """Whether what stands above the controls is an error."""
        return self.policy.preset == "strict"

    def maker(self, *, asynchronous: bool) -> Callable[..., Core]:
        """Makes an engine that has these targets; `quiet` leaves out the line about the policy."""

        def make(targets: Targets, *, quiet: bool = True) -> Core:
            return WrappedCore(
                seen=self.seen,
                fallbacks=(),
                policy=self.policy,
                state=None,
                api_key=None,
                base_url=None,
                region=None,
                http_client=None,
                timeout=None,
                purpose=self.purpose,
                tenant=self.tenant,
                asynchronous=asynchronous,
                clock=self.clock,
                stores=self.stores,
                targets=targets,
                quiet=quiet,
            )

        return make


def wrap(
    client: C,
    *,
    policy: Policy | str | os.PathLike[str] | None = None,
    purpose: str | None = None,
    tenant: str | None = None,
    passthrough: Sequence[str] = (),
    state: str | None = None,
) -> C:
    """A copy of an SDK's client whose calls go through the controls; the original is untouched.

    It keeps its type. Screened are chat completions, responses and embeddings of OpenAI and Azure OpenAI, messages of
    Anthropic, Converse and ConverseStream of Bedrock; each also over a client of httpx or httpx2, by the path of the
    request. A boto3 client has no copy: it is the same object that comes back, with handlers on it alone.

    Facts of a call come from `with facts(...)` around it, or from `purpose` and `tenant` here. A blocked call raises
    the SDK's own error, once; `decision_of(error)` has ours. The SDK's retries become 0, because retrying happens
    here; its time-out for reading is the time of a whole answer, a stream has the policy's.

    Every call goes to the address that the client has now, with the key, the organisation and the project of the
    SDK's own request, and with nothing else of its headers or its query. There is no fallback to another host: a
    purpose whose plan does not name this one is refused. What `[targets]` of the policy declares about this model at
    this address holds. `GET /models` passes. Every other endpoint, and every websocket, is refused, unless
    `passthrough` names the prefix of its path. Calls through the original object and clients made anew are not
    covered. Closing the copy leaves the original and its connections open.

    What stands above the SDK's client sees prompts in clear: its loggers at DEBUG, and instrumentation of its
    methods. `Policy.strict()` refuses to wrap there; otherwise it is said on the logger `psf_runtime`.

    While state is in memory, questions to people wait inside the wrapped client: `wrapped.psf_tickets` is where they
    are decided, as `client.tickets` of a Client.

    Raises ConfigError for a client that cannot be wrapped, or is wrapped or closed already, and for a policy that
    does not fit; nothing connects here.
    """
    bedrock = is_bedrock_client(client)
    found = None if bedrock else recognise(client)
    chosen = choose_policy(policy, os.environ)
    clock = SystemClock()
    setting = Setting(chosen, open_state(chosen, state, clock), clock, purpose, tenant, FactsSeen())
    if found is None:
        return _wrapped_bedrock(client, setting, passthrough)  # type: ignore[no-any-return]
    # The engines must not hold the client itself.
    gateway = _gateway(found, setting, passthrough)
    if found.sdk:
        quiet_sdk_logs(found.sdk, strict=setting.strict)
    check_instrumentors(found.sdk, found.http, strict=setting.strict, client=client)
    return _wrapped(found, gateway, setting.stores)  # type: ignore[no-any-return]


def _gateway(found: Found, setting: Setting, passthrough: Sequence[str]) -> Gateway:
    base_url = found.base_url
    address = parse_base_url(str(base_url).rstrip("/"), declared_own=True)
    make_core = setting.maker(asynchronous=found.asynchronous)
    engines = Engines(
        origin=address.origin,
        policy=setting.policy,
        sender=found.sender(),
        make_core=make_core,
        seals=Sealer(setting.stores.key),
    )
    paths = Paths(
        origin=(base_url.scheme, base_url.host, base_url.port),
        path=base_url.path,
        azure=found.azure,
        passthrough=passthrough,
        usual=MESSAGES if found.sdk == "anthropic" else CHAT,
    )
    # One engine for nobody, now: what is wrong with the policy or the address shows here and not in the first call.
    provider = "anthropic" if found.sdk == "anthropic" else "openai"
    make_core(engines.targets_of(Wanted(provider, "any-model", address.prefix), trial=True), quiet=False)
    return Gateway(paths=paths, engines=engines, longest=setting.policy.resilience.timeout)


def _wrapped(found: Found, gateway: Gateway, stores: State) -> Any:
    make = asynchronous_transport if found.asynchronous else blocking_transport
    wrapped = guarded_copy(found, make(found.module, gateway, Original(found)))
    wrapped.psf_tickets = (AsyncTickets if found.asynchronous else Tickets)(stores.tickets)
    return wrapped


def _wrapped_bedrock(client: Any, setting: Setting, passthrough: Sequence[str]) -> Any:
    check_instrumentors("botocore", None, strict=setting.strict)
    wrap_bedrock(
        client,
        policy=setting.policy,
        make_core=setting.maker(asynchronous=False),
        seals=Sealer(setting.stores.key),
        passthrough=passthrough,
        strict=setting.strict,
    )
    client.psf_tickets = Tickets(setting.stores.tickets)
    return client
