"""Recognises the clients that can be wrapped, and makes the copy that sends through our transport.

No SDK and no HTTP library is imported here: what they are is read from the classes of the client.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psf_runtime.client.wrapped.guarded import guarded_class
from psf_runtime.errors import ConfigError
from psf_runtime.providers.hosts import parse_base_url
from psf_runtime.providers.network import answers_in_process, refusal, stays_on_loopback

WRAPS = (
    "this version wraps OpenAI, AsyncOpenAI, AzureOpenAI and AsyncAzureOpenAI of openai 2 and 3, Anthropic and "
    "AsyncAnthropic of anthropic 2, bedrock-runtime clients of boto3, and clients of httpx and httpx2"
)
_SDKS = {
    "openai": ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI"),
    "anthropic": ("Anthropic", "AsyncAnthropic"),
}
_AZURE = ("AzureOpenAI", "AsyncAzureOpenAI")
_PARTS = ("_client", "base_url", "copy", "max_retries")  # what an SDK's client must have for all this to hold
# How an HTTP client sends. Where another hand has its own way in one of these, we would not see what it does.
_SENDING = (
    "request",
    "send",
    "stream",
    "_send_handling_auth",
    "_send_handling_redirects",
    "_send_single_request",
    "_transport_for_url",
)


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """A client that can be wrapped.

    Attributes:
        client: as it was given; `http`: the HTTP client that it sends through, which may be itself.
        module: httpx or httpx2.
        sdk: `openai` or `anthropic`; empty for an HTTP client alone.
        azure: a client of Azure OpenAI.
    """

    client: Any
    http: Any
    module: Any
    asynchronous: bool
    sdk: str = ""
    azure: bool = False

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
        """The transport that the original uses for an address: its own, or that of a proxy.

        Raises ConfigError when the copy is closed, and for another machine where only this one may be reached.
        """
        if self._found is None:
            raise ConfigError("this wrapped client is closed", change="wrap the original again")
        http = self._found.http
        kept_in = stays_on_loopback(os.environ) and not answers_in_process(http)
        if kept_in and not parse_base_url(str(url.copy_with(raw_path=b"/")), declared_own=True).is_loopback:
            raise refusal("the wrapped client")
        return http._transport_for_url(url)

    def release(self) -> None:
        """Hold it no longer."""
        self._found = None


def recognise(client: Any) -> Found:
    """What this client is. Raises ConfigError for one that cannot be wrapped, is wrapped already, or closed."""
    sdk, name = _sdk_of(client)
    http = client._client if sdk else client
    for base in type(http).__mro__:
        top = base.__module__.partition(".")[0]
        if top in ("httpx", "httpx2") and base.__name__ in ("Client", "AsyncClient"):
            _check_usable(http, top)
            return Found(client, http, sys.modules[top], base.__name__ == "AsyncClient", sdk, name in _AZURE)
    raise _not_wrappable(client)


def _sdk_of(client: Any) -> tuple[str, str]:
    """The SDK that a client belongs to, and its name there; empty for a client of none."""
    for base in type(client).__mro__:
        top, _, rest = base.__module__.partition(".")
        if top not in _SDKS:
            continue
        # What an SDK keeps apart (Bedrock, Vertex, Foundry) signs and speaks in ways of its own.
        if base.__name__ not in _SDKS[top] or (rest.startswith("lib.") and base.__name__ not in _AZURE):
            raise _not_wrappable(client)
        if getattr(client, "_provider", None):
            raise _not_wrappable(client)
        if not all(hasattr(client, part) for part in _PARTS):
            raise _unknown_version(top)
        return top, base.__name__
    return "", ""


def _check_usable(http: Any, top: str) -> None:
    if http.is_closed:
        raise ConfigError("a closed client cannot be wrapped", change="wrap a client that is open")
    if getattr(http._transport, "psf_guarded", False):
        raise ConfigError("this client is wrapped already", change="use it as it is")
    for name in _SENDING:
        owner = next((base for base in type(http).__mro__ if name in vars(base)), None)
        known = owner is None or owner.__module__.partition(".")[0] in (top, *_SDKS)
        if name in vars(http) or not known:
            raise ConfigError(
                f"this HTTP client sends in a way of its own: it has another {name}",
                why="what it would do with a prompt cannot be seen from here",
                change="wrap a client without it; to change how bytes are sent, give it transport=",
            )


def _not_wrappable(client: Any) -> ConfigError:
    return ConfigError(
        f"a {type(client).__module__}.{type(client).__name__} cannot be wrapped",
        why=WRAPS,
        change="use psf_runtime.Client for other providers",
    )


def _unknown_version(sdk: str) -> ConfigError:
    version = str(getattr(sys.modules.get(sdk), "__version__", "unknown"))
    return ConfigError(
        f"this version of {sdk} ({version}) is built in a way that is not known here",
        why=WRAPS,
        change=f"install a version of {sdk} from that list, or wrap the httpx client that you give it",
    )


def guarded_copy(found: Found, transport: Any) -> Any:
    """The copy that sends through `transport`. The original, its headers and its cookies stay as they are.

    Raises ConfigError for an SDK whose copy does not send that way.
    """
    http = found.http
    twin = copy.copy(http)
    twin._transport = transport
    twin._mounts = {}
    twin._headers = found.module.Headers(http.headers)
    twin._cookies = found.module.Cookies(http.cookies)
    twin._event_hooks = {name: list(hooks) for name, hooks in http.event_hooks.items()}
    twin._state = type(http._state).UNOPENED  # the original may stand in a `with` block
    twin.follow_redirects = False
    if not found.sdk:
        return twin
    wrapped = _copied(found, twin)
    if wrapped is found.client or wrapped._client is not twin or wrapped.max_retries != 0:
        raise _unknown_version(found.sdk)
    wrapped.__class__ = guarded_class(type(found.client))
    return wrapped


def _copied(found: Found, twin: Any) -> Any:
    make: Callable[..., Any] = found.client.copy
    try:
        return make(http_client=twin, max_retries=0)
    except TypeError:
        pass
    raise _unknown_version(found.sdk)
