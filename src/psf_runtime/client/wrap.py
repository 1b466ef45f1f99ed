"""`wrap(client)`: the controls of a policy around a client that you already have."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

from psf_runtime.client.core import Core
from psf_runtime.client.tickets import AsyncTickets, Tickets
from psf_runtime.client.wrapped.gateway import Gateway
from psf_runtime.client.wrapped.transports import asynchronous_transport, blocking_transport
from psf_runtime.errors import ConfigError
from psf_runtime.flow.clock import SystemClock
from psf_runtime.policy.environment import choose_policy
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.state import open_state
from psf_runtime.types.target import Target

C = TypeVar("C")
LOGGER = logging.getLogger("psf_runtime")
_WRAPS = "this version wraps openai.OpenAI, openai.AsyncOpenAI, and clients of httpx and httpx2"
_REFUSED = ("http_client", "base_url", "max_retries")  # what would lead out of the wrapping
_SDK_LOGGERS = ("openai", "httpx", "httpcore")


def wrap(
    client: C,
    *,
    policy: Policy | str | None = None,
    purpose: str | None = None,
    tenant: str | None = None,
    passthrough: Sequence[str] = (),
    state: str | None = None,
) -> C:
    """A copy of an SDK's client whose chat completions go through the controls; the original is untouched.

    It keeps its type. Facts of a call come from `with facts(...)` around it, or from `purpose` and `tenant` here. A
    blocked call raises the SDK's own error, once; `decision_of(error)` has ours. The SDK's retries become 0, because
    retrying happens here. `GET /models` passes. Every other endpoint is refused unless `passthrough` names the prefix
    of its path. Calls through the original object, websockets, and clients made anew are not covered.

    While state is in memory, questions to people wait inside the wrapped client: `wrapped.psf_tickets` is where they
    are decided, as `client.tickets` of a Client.

    Still to come: Anthropic, Azure and boto3 clients, embeddings and the Responses API.

    Raises ConfigError for a client that cannot be wrapped, or is wrapped or closed already.
    """
    http, module, asynchronous = _http_of(client)
    _check_wrappable(http)
    chosen = choose_policy(policy, os.environ)
    clock = SystemClock()
    stores = open_state(chosen, state, clock)
    sender = (module.AsyncClient if asynchronous else module.Client)(transport=http._transport)
    sender._mounts = http._mounts  # proxies of the original client

    def make_core(target: Target) -> Core:
        return Core(
            target,
            fallbacks=(),
            policy=chosen,
            state=None,
            api_key=None,
            base_url=None,
            region=None,
            http_client=sender,
            timeout=None,
            purpose=purpose,
            tenant=tenant,
            asynchronous=asynchronous,
            clock=clock,
            stores=stores,
        )

    gateway = _gateway(client, http, make_core, passthrough)
    make_transport = asynchronous_transport if asynchronous else blocking_transport
    wrapped: Any = _with_transport(client, http, make_transport(module, gateway, http._transport))
    wrapped.psf_tickets = (AsyncTickets if asynchronous else Tickets)(stores.tickets)
    _warn_about_debug_loggers()
    answer: C = wrapped
    return answer


def _check_wrappable(http: Any) -> None:
    if getattr(http, "is_closed", False):
        raise ConfigError("a closed client cannot be wrapped", change="wrap a client that is open")
    if getattr(http._transport, "psf_guarded", False):
        raise ConfigError("this client is wrapped already", change="use it as it is")


def _gateway(client: Any, http: Any, make_core: Callable[[Target], Core], passthrough: Sequence[str]) -> Gateway:
    base_url = _base_url(client, http)
    return Gateway(
        base_url=str(base_url).rstrip("/"),
        origin=(base_url.scheme, base_url.host, base_url.port),
        path=base_url.path,
        api_key=_key_getter(client, http),
        make_core=make_core,
        passthrough=passthrough,
    )


def _http_of(client: Any) -> tuple[Any, Any, bool]:
    """The HTTP client inside, its module, and whether it is async."""
    http = client
    if type(client).__module__.partition(".")[0] == "openai":
        if "Azure" in type(client).__name__:
            raise _not_wrappable(client)
        http = getattr(client, "_client", None)
    for base in type(http).__mro__:
        top = base.__module__.partition(".")[0]
        if top in ("httpx", "httpx2") and base.__name__ in ("Client", "AsyncClient"):
            return http, import_module(top), base.__name__ == "AsyncClient"
    raise _not_wrappable(client)


def _not_wrappable(client: Any) -> ConfigError:
    return ConfigError(
        f"a {type(client).__module__}.{type(client).__name__} cannot be wrapped",
        why=_WRAPS,
        change="use psf_runtime.Client for other providers",
    )


def _base_url(client: Any, http: Any) -> Any:
    base_url = getattr(client, "base_url", None) or http.base_url
    if not base_url.host:
        raise ConfigError(
            "a client without a base_url cannot be wrapped",
            why="its requests could go to any host",
            change="httpx.Client(base_url='https://api.example/v1')",
        )
    return base_url


def _key_getter(client: Any, http: Any) -> Callable[[], str] | None:
    """The key that the wrapped client uses, looked at when it is needed; None when it uses none."""
    if http is not client:
        return lambda: str(client.api_key)
    if not http.headers.get("authorization", "").startswith("Bearer "):
        return None
    return lambda: str(http.headers["authorization"].removeprefix("Bearer "))


def _with_transport(client: Any, http: Any, guarded: Any) -> Any:
    """The copy that sends through our transport."""
    twin = copy.copy(http)
    twin._transport = guarded
    twin._mounts = {}
    twin.follow_redirects = False
    if http is client:
        return twin
    wrapped = client.copy(http_client=twin, max_retries=0)
    wrapped.__class__ = _guarded_class(type(client))
    return wrapped


def _guarded_class(cls: type[Any]) -> type[Any]:
    """A subclass whose copies stay wrapped."""

    def copied(self: Any, **options: Any) -> Any:
        for name in _REFUSED:
            if options.get(name) is not None:
                raise ConfigError(
                    f"a wrapped client does not take {name}=",
                    why="it would lead around the controls",
                    change="make the client you want, and wrap that",
                )
        made = cls.copy(self, **options)
        made.__class__ = type(self)
        made.psf_tickets = self.psf_tickets
        return made

    return type(cls.__name__, (cls,), {"copy": copied, "with_options": copied, "__module__": cls.__module__})


def _warn_about_debug_loggers() -> None:
    """An SDK that logs at DEBUG writes prompts in clear, above us."""
    loud = [name for name in _SDK_LOGGERS if logging.getLogger(name).isEnabledFor(logging.DEBUG)]
    if loud:
        LOGGER.warning("loggers at DEBUG above the controls may write prompts in clear: %s", ", ".join(loud))
