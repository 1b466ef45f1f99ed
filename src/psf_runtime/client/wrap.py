"""`wrap(client)`: the controls of a policy around a client that you already have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from psf_runtime.client.core import Core
from psf_runtime.client.targets import Targets
from psf_runtime.client.tickets import AsyncTickets, Tickets
from psf_runtime.client.wrapped.clients import Found, Original, guarded_copy, recognise
from psf_runtime.client.wrapped.engines import Account, Engines
from psf_runtime.client.wrapped.gateway import Gateway
from psf_runtime.client.wrapped.sdk_logs import quiet_sdk_logs
from psf_runtime.client.wrapped.transports import asynchronous_transport, blocking_transport
from psf_runtime.flow.clock import SystemClock
from psf_runtime.policy.environment import choose_policy
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.state import State, open_state

C = TypeVar("C")


def wrap(
    client: C,
    *,
    policy: Policy | str | os.PathLike[str] | None = None,
    purpose: str | None = None,
    tenant: str | None = None,
    passthrough: Sequence[str] = (),
    state: str | None = None,
) -> C:
    """A copy of an SDK's client whose chat completions go through the controls; the original is untouched.

    It keeps its type. Facts of a call come from `with facts(...)` around it, or from `purpose` and `tenant` here. A
    blocked call raises the SDK's own error, once; `decision_of(error)` has ours. The SDK's retries become 0, because
    retrying happens here; its time-out for reading is the time of a whole answer, a stream has the policy's.

    Every call goes to the address that the client has now, with the key, the organisation and the project of the
    SDK's own request, and with nothing else of its headers or its query. There is no fallback to another host: a
    purpose whose plan does not name this one is refused. What `[targets]` of the policy declares about this model at
    this address holds. `GET /models` passes. Every other endpoint is refused unless `passthrough` names the prefix of
    its path. Calls through the original object, websockets, and clients made anew are not covered. Closing the copy
    leaves the original and its connections open.

    While state is in memory, questions to people wait inside the wrapped client: `wrapped.psf_tickets` is where they
    are decided, as `client.tickets` of a Client.

    Still to come: Anthropic, Azure and boto3 clients, embeddings and the Responses API; finding out whether an
    instrumentation of the SDK writes prompts down above us.

    Raises ConfigError for a client that cannot be wrapped, or is wrapped or closed already, and for a policy that
    does not fit; nothing connects here.
    """
    found = recognise(client)
    asynchronous = found.asynchronous  # the engines must not hold the client itself
    chosen = choose_policy(policy, os.environ)
    clock = SystemClock()
    stores = open_state(chosen, state, clock)

    def make_core(targets: Targets, *, quiet: bool = True) -> Core:
        return Core(
            None,
            fallbacks=(),
            policy=chosen,
            state=None,
            api_key=None,
            base_url=None,
            region=None,
            http_client=None,
            timeout=None,
            purpose=purpose,
            tenant=tenant,
            asynchronous=asynchronous,
            clock=clock,
            stores=stores,
            targets=targets,
            quiet=quiet,
        )

    gateway = _gateway(found, chosen, make_core, passthrough)
    if found.is_sdk:
        quiet_sdk_logs(strict=chosen.preset == "strict")
    return _wrapped(found, gateway, stores)  # type: ignore[no-any-return]


def _gateway(found: Found, policy: Policy, make_core: Callable[..., Core], passthrough: Sequence[str]) -> Gateway:
    base_url = found.base_url
    address = str(base_url).rstrip("/")
    sender = found.sender()
    # One engine for nobody, now: what is wrong with the policy or the address shows here and not in the first call.
    trial = Engines(
        base_url=address, policy=policy, sender=sender, make_core=lambda targets: make_core(targets, quiet=False)
    )
    trial.make("any-model", Account(key="never-sent"))
    return Gateway(
        origin=(base_url.scheme, base_url.host, base_url.port),
        path=base_url.path,
        engines=Engines(base_url=address, policy=policy, sender=sender, make_core=make_core),
        passthrough=passthrough,
        longest=policy.resilience.timeout,
    )


def _wrapped(found: Found, gateway: Gateway, stores: State) -> Any:
    make = asynchronous_transport if found.asynchronous else blocking_transport
    wrapped = guarded_copy(found, make(found.module, gateway, Original(found)))
    wrapped.psf_tickets = (AsyncTickets if found.asynchronous else Tickets)(stores.tickets)
    return wrapped
