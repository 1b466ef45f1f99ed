"""Where a client keeps what it must remember: in this version, in memory, for the life of the process."""

from __future__ import annotations

import os
from dataclasses import dataclass

from psf_runtime.policy.environment import choose_state
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import Clock
from psf_runtime.stores.cells import MemoryCells
from psf_runtime.stores.memory_certificates import MemoryCertificates
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.stores.memory_ledger import MemoryLedger
from psf_runtime.stores.memory_tickets import MemoryTickets
from psf_runtime.stores.memory_vault import MemoryVault


@dataclass(frozen=True, slots=True, repr=False)
class State:
    """The stores of one client.

    Attributes:
        key: secret bytes of this process: digests and tokens made with it mean nothing outside of it.
    """

    key: bytes
    vault: MemoryVault
    consents: MemoryConsents
    tickets: MemoryTickets
    ledger: MemoryLedger
    certificates: MemoryCertificates
    cells: MemoryCells


def open_state(policy: Policy, state: str | None, clock: Clock) -> State:
    """The stores for `state` (None: the policy's, else `$PSF_STATE`, else memory). Raises ConfigError for others."""
    choose_state(state, policy, os.environ)
    return State(
        key=os.urandom(32),
        vault=MemoryVault(),
        consents=MemoryConsents(),
        tickets=MemoryTickets(
            clock=clock,
            deadline_seconds=policy.oversight.deadline_seconds,
            reviewers=[person for group in policy.oversight.reviewers.values() for person in group],
        ),
        ledger=MemoryLedger(),
        certificates=MemoryCertificates(),
        cells=MemoryCells(),
    )
