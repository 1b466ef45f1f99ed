"""httpx and httpx2: the same interface, unrelated classes. The module is taken from the client that is injected.

Nothing here imports either of them. Our own faults bear the same names, so one map tells what all of them mean.
"""

from __future__ import annotations

import sys
from typing import Any

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout, StreamInterrupted

_MODULES = ("httpx", "httpx2")


def module_of(client: Any) -> Any:
    """The module that an injected client belongs to. Raises ConfigError when it is neither of the two."""
    for cls in type(client).__mro__:
        name = cls.__module__.partition(".")[0]
        if name in _MODULES:
            return sys.modules[name]
    raise ConfigError(
        "this HTTP client cannot be used",
        why=f"it is a {type(client).__name__}, and a client of httpx or httpx2 is needed",
        change="leave http_client out, or give httpx.Client() (httpx.AsyncClient() to AsyncClient)",
    )


class Failures:
    """What the exceptions of one module mean. Their texts are never used, only the names of their classes.

    Args:
        module: httpx, httpx2, or the faults of our own connections.
        target: name of the target.
    """

    def __init__(self, module: Any, target: str) -> None:
        self.module = module
        self.target = target
        self._dead = (module.RemoteProtocolError, module.ReadError, module.WriteError)
        self._unsent = (module.ConnectError, module.ConnectTimeout, module.PoolTimeout)

    def is_dead_connection(self, error: Exception) -> bool:
        """Whether the connection ended before an answer began: on a kept one, the server had closed it already."""
        return isinstance(error, self._dead)

    def before_answer(self, error: Exception) -> Exception:
        """What a failure means before the first byte of the answer."""
        name = type(error).__name__
        if isinstance(error, self.module.TimeoutException):
            return ProviderTimeout(
                f"{self.target}: no answer in time",
                kind="timeout",
                target=self.target,
                retry_safe=True if isinstance(error, self._unsent) else None,
                why=name,
            )
        if isinstance(error, RuntimeError) and "closed" in str(error):
            return ConfigError(
                f"{self.target}: the HTTP client is closed",
                why="a closed client cannot send",
                change="make the client anew, or close it later",
            )
        return ProviderError(
            f"{self.target}: the connection failed",
            kind="connection",
            target=self.target,
            retry_safe=True if isinstance(error, self._unsent) else None,
            why=name,
        )

    def during_answer(self, error: Exception) -> ProviderError:
        """What a failure means after the answer began."""
        name = type(error).__name__
        if isinstance(error, self.module.TimeoutException):
            return ProviderTimeout(
                f"{self.target}: the answer stopped coming",
                kind="timeout",
                target=self.target,
                retry_safe=True,
                why=name,
            )
        return self.interrupted(name)

    def interrupted(self, why: str) -> StreamInterrupted:
        """The answer ended too early."""
        return StreamInterrupted(
            f"{self.target}: the connection ended in the middle of the answer",
            kind="stream_interrupted",
            target=self.target,
            retry_safe=True,
            why=why,
        )


def too_late(target: str, why: str) -> ProviderTimeout:
    """The time for the call is over."""
    return ProviderTimeout(f"{target}: no answer in time", kind="timeout", target=target, retry_safe=None, why=why)
