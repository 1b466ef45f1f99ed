"""Whether this process may reach other machines: `PSF_NETWORK=loopback` keeps every call of ours on this one.

The pytest plugin sets it, so that a test never sends anything to a vendor by accident. Only our own senders ask;
sockets of other libraries are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psf_runtime.errors import ConfigError

VARIABLE = "PSF_NETWORK"
LOOPBACK = "loopback"
ANY = "any"


def stays_on_loopback(environ: Mapping[str, str]) -> bool:
    """Whether only this machine may be called. Raises ConfigError for a value that is neither `loopback` nor `any`."""
    value = environ.get(VARIABLE, "").strip() or ANY
    if value not in (LOOPBACK, ANY):
        raise ConfigError(
            f"{VARIABLE} is neither {LOOPBACK!r} nor {ANY!r}",
            why="a setting that nobody understands must not open the network",
            change=f"set {VARIABLE}={LOOPBACK} to stay on this machine, {VARIABLE}={ANY} or nothing to reach others",
        )
    return value == LOOPBACK


def refusal(target: str) -> ConfigError:
    """The error for a call that would leave this machine."""
    return ConfigError(
        f"nothing was sent: {target} is on another machine",
        why=f"{VARIABLE}={LOOPBACK} holds here; under pytest the plugin of psf_runtime sets it",
        change="use psf_client or a MockProvider; @pytest.mark.psf(network=True) lets one test out",
    )


def answers_in_process(client: Any) -> bool:
    """Whether an injected HTTP client has a mock for its only transport, so that nothing leaves through it."""
    transport = getattr(client, "_transport", None)
    return type(transport).__name__ == "MockTransport" and not getattr(client, "_mounts", None)
