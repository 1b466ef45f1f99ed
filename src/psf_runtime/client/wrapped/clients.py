"""Recognises the clients that can be wrapped, and makes the copy that sends through our transport.

No SDK and no HTTP library is imported here: what they are is read from the classes of the client.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import Any

from psf_runtime.errors import ConfigError

WRAPS = "this version wraps openai.OpenAI, openai.AsyncOpenAI, and clients of httpx and httpx2"
# What would lead out of the wrapping, or undo it.
_REFUSED = (
    "base_url",
    "data_residency",
    "http_client",
    "max_retries",
    "provider",
    "transport",
    "websocket_base_url",
    "_extra_kwargs",
)


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """A client that can be wrapped.

    Attributes:
        client: as it was given; `http`: the HTTP client that it sends through, which may be itself.
        module: httpx or httpx2.
    """

    client: Any
    http: Any
    module: Any
    asynchronous: bool

    @property
    def is_sdk(self) -> bool:
        """Whether it is an SDK's client, and not an HTTP client alone."""
        return self.http is not self.client

    @property
    def base_url(self) -> Any:
        """Its base URL. Raises ConfigError when it has none."""
        base_url = self.client.base_url
        if not getattr(base_url, "host", ""):
            raise ConfigError(
                "a client without a base_url cannot be wrapped",
                why="its requests could go to any host",
                change="httpx.Client(base_url='https://api.example/v1')",
            )
        return base_url

    def sender(self) -> Any:
        """A plain client over the original's connections and proxies; nothing else of the original is in it."""
        make = self.module.AsyncClient if self.asynchronous else self.module.Client
        sender = make(transport=self.http._transport, trust_env=False)
        sender._mounts = self.http._mounts
        return sender


class Original:
    """Holds the original client for as long as the copy is open.

    An SDK's client closes its connections when nobody holds it any longer. So `wrap(OpenAI())` keeps working, and
    closing the copy lets go of an original that only the copy knew.
    """

    def __init__(self, found: Found) -> None:
        self._found: Found | None = found

    def transport_for(self, url: Any) -> Any:
        """The transport that the original uses for an address: its own, or that of a proxy."""
        if self._found is None:
            raise ConfigError("this wrapped client is closed", change="wrap the original again")
        return self._found.http._transport_for_url(url)

    def release(self) -> None:
        """Hold it no longer."""
        self._found = None


def recognise(client: Any) -> Found:
    """What this client is. Raises ConfigError for one that cannot be wrapped, is wrapped already, or closed."""
    http = client._client if _is_openai(client) else client
    for base in type(http).__mro__:
        top = base.__module__.partition(".")[0]
        if top in ("httpx", "httpx2") and base.__name__ in ("Client", "AsyncClient"):
            _check_usable(http)
            return Found(client, http, sys.modules[top], base.__name__ == "AsyncClient")
    raise _not_wrappable(client)


def _is_openai(client: Any) -> bool:
    bases = [base for base in type(client).__mro__ if base.__module__.partition(".")[0] == "openai"]
    names = [base.__name__ for base in bases]
    if not any(name in ("OpenAI", "AsyncOpenAI") for name in names):
        return False
    elsewhere = any(base.__module__.startswith("openai.lib.") for base in bases) or getattr(client, "_provider", None)
    if elsewhere or not hasattr(client, "_client"):
        raise _not_wrappable(client)
    return True


def _check_usable(http: Any) -> None:
    if http.is_closed:
        raise ConfigError("a closed client cannot be wrapped", change="wrap a client that is open")
    if getattr(http._transport, "psf_guarded", False):
        raise ConfigError("this client is wrapped already", change="use it as it is")


def _not_wrappable(client: Any) -> ConfigError:
    return ConfigError(
        f"a {type(client).__module__}.{type(client).__name__} cannot be wrapped",
        why=WRAPS,
        change="use psf_runtime.Client for other providers",
    )


def guarded_copy(found: Found, transport: Any) -> Any:
    """The copy that sends through `transport`. The original, its headers and its cookies stay as they are."""
    http = found.http
    twin = copy.copy(http)
    twin._transport = transport
    twin._mounts = {}
    twin._headers = found.module.Headers(http.headers)
    twin._cookies = found.module.Cookies(http.cookies)
    twin._event_hooks = {name: list(hooks) for name, hooks in http.event_hooks.items()}
    twin._state = type(http._state).UNOPENED  # the original may stand in a `with` block
    twin.follow_redirects = False
    if not found.is_sdk:
        return twin
    wrapped = found.client.copy(http_client=twin, max_retries=0)
    wrapped.__class__ = _guarded_class(type(found.client))
    return wrapped


def _guarded_class(cls: type[Any]) -> type[Any]:
    """A subclass whose copies stay wrapped."""

    def copied(self: Any, **options: Any) -> Any:
        for name in _REFUSED:
            if _is_given(options.get(name)):
                raise ConfigError(
                    f"a wrapped client does not take {name}=",
                    why="it would lead around the controls",
                    change="make the client you want, and wrap that",
                )
        made = cls.copy(self, **options)
        made.psf_tickets = self.psf_tickets
        return made

    return type(cls.__name__, (cls,), {"copy": copied, "with_options": copied, "__module__": cls.__module__})


def _is_given(value: Any) -> bool:
    return value is not None and type(value).__name__ not in ("NotGiven", "Omit")
