"""A client for commands that only look: it never sends anything."""

from __future__ import annotations

from psf_runtime.client.client import Client
from psf_runtime.policy.policy import Policy


def looking_client(policy: Policy) -> Client:
    """A client with the targets of the policy, or with the echo mock when it names none."""
    return Client(policy=policy) if policy.targets else Client("mock:echo", policy=policy)
