"""The class of a wrapped SDK client: its copies stay wrapped, its sockets stay shut, its log keeps prompts out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from psf_runtime.client.wrapped.sdk_logs import hidden
from psf_runtime.errors import ConfigError

LOGGER = logging.getLogger("psf_runtime")
# What would lead out of the wrapping, or undo it.
REFUSED = (
    "base_url",
    "config",
    "credentials",
    "data_residency",
    "http_client",
    "max_retries",
    "open_telemetry",
    "profile",
    "provider",
    "transport",
    "websocket_base_url",
    "workload_identity",
    "_extra_kwargs",
)
# Ways to a socket. The SDK opens it beside its HTTP client, so nothing of ours would stand in between.
_SOCKETS = ("realtime", "live")
_SOCKET_URLS = ("_configure_realtime", "_configure_realtime_with_api_key")
_copying: ContextVar[bool] = ContextVar("psf_runtime.copying", default=False)


def guarded_class(cls: type[Any]) -> type[Any]:
    """A subclass whose copies stay wrapped."""
    members: dict[str, Any] = {"copy": _copy_of(cls), "__module__": cls.__module__, "__doc__": cls.__doc__}
    members["with_options"] = members["copy"]
    members["__init__"] = _refusing_init(cls)
    if hasattr(cls, "_build_request"):
        members["_build_request"] = _quiet_build(cls)
    for name in _SOCKETS:
        if hasattr(cls, name):
            members[name] = property(_refuse_socket)
    for name in _SOCKET_URLS:
        if hasattr(cls, name):
            members[name] = _refuse_socket
    members["websocket_base_url"] = property(_socket_url, _set_socket_url)
    members["max_retries"] = property(lambda self: 0, _set_retries)
    return type(cls.__name__, (cls,), members)


def _copy_of(cls: type[Any]) -> Callable[..., Any]:
    def copied(self: Any, **options: Any) -> Any:
        for name in REFUSED:
            if _is_given(options.get(name)):
                raise ConfigError(
                    f"a wrapped client does not take {name}=",
                    why="it would lead around the controls",
                    change="make the client you want, and wrap that",
                )
        token = _copying.set(True)
        try:
            made = cls.copy(self, **options)
        finally:
            _copying.reset(token)
        if made._client is not self._client:
            raise ConfigError("this copy would not be wrapped", change="make the client you want, and wrap that")
        made.psf_tickets = self.psf_tickets
        return made

    return copied


def _refusing_init(cls: type[Any]) -> Callable[..., None]:
    """A client is made by copying alone: one made anew would have the class of a wrapped one, and no wrapping."""

    def init(self: Any, *args: Any, **options: Any) -> None:
        if not _copying.get():
            raise ConfigError(
                "the class of a wrapped client makes no client that is wrapped",
                change=f"wrap({cls.__name__}(...))",
            )
        cls.__init__(self, *args, **options)

    return init


def _quiet_build(cls: type[Any]) -> Callable[..., Any]:
    """The method in which older SDKs write the whole request into their log."""

    def build(self: Any, *args: Any, **options: Any) -> Any:
        with hidden():
            return cls._build_request(self, *args, **options)

    return build


def _refuse_socket(*_: Any, **__: Any) -> Any:
    raise ConfigError(
        "a wrapped client opens no socket",
        why="what goes over a websocket is not screened",
        change="use chat completions or responses over HTTP, or the client that you wrapped, without controls",
    )


def _socket_url(self: Any) -> Any:
    """Read by the SDK when it opens a socket, and when a client is copied."""
    return vars(self).get("websocket_base_url") if _copying.get() else _refuse_socket(self)


def _set_socket_url(self: Any, value: Any) -> None:
    if not _copying.get():
        _refuse_socket(self)
    vars(self)["websocket_base_url"] = value


def _set_retries(_self: Any, value: Any) -> None:
    """Set by the SDK while a client is copied, and by frameworks above it. It stays 0: retrying happens below."""
    if value and not _copying.get():
        LOGGER.warning("max_retries of a wrapped client stays 0: retrying happens here, as the policy says")


def _is_given(value: Any) -> bool:
    return value is not None and type(value).__name__ not in ("NotGiven", "Omit")
