"""What the environment may say: it points to a policy, a state or a halt, and can only tighten."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath

from psf_runtime.errors import ConfigError
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.wording import state_trouble

_OFF = ("", "0", "false", "no", "off")


def choose_policy(given: Policy | str | os.PathLike[str] | None, environ: Mapping[str, str]) -> Policy:
    """The policy of a client: what was given, else the file that `PSF_POLICY` names, else the standard preset.

    The working directory is never searched.

    Raises:
        ConfigError: the file cannot be used, or `PSF_POLICY` is not a whole path.
    """
    if isinstance(given, Policy):
        return given
    if given is not None:
        return Policy.from_file(given)
    path = environ.get("PSF_POLICY", "")
    if not path:
        return Policy.standard()
    if not PurePath(path).is_absolute():
        raise ConfigError(
            "PSF_POLICY is not a whole path.",
            why="whoever chooses the working directory would choose the policy",
            change="PSF_POLICY=/etc/acme/psf.toml",
        )
    return Policy.from_file(path)


def choose_state(given: str | None, policy: Policy, environ: Mapping[str, str]) -> str:
    """The state of a client: what was given, else the policy's, else `PSF_STATE`, else memory.

    Raises:
        ConfigError: it is no state that this library knows, or no whole address.
    """
    state = given or policy.state or environ.get("PSF_STATE") or "memory:"
    trouble = state_trouble(state)
    if trouble:
        raise ConfigError("the state cannot be used.", problems=[("state", *trouble)])
    return state


def is_halted(environ: Mapping[str, str]) -> bool:
    """Whether `PSF_HALT` stops all calls. What is neither clearly on nor clearly off counts as on.

    Off only means that the environment asks for nothing: it never lifts a halt that a file sets.
    """
    return environ.get("PSF_HALT", "").strip().lower() not in _OFF
