"""Where a client keeps what it must remember: in memory, or its tokens in a database."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psf_runtime.guards.privacy.tokenise import EMBEDDINGS
from psf_runtime.policy.environment import choose_state
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import Clock, KeyProvider
from psf_runtime.stores.cells import MemoryCells
from psf_runtime.stores.keys_source import open_keys
from psf_runtime.stores.memory_certificates import MemoryCertificates
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.stores.memory_ledger import MemoryLedger
from psf_runtime.stores.memory_tickets import MemoryTickets
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.stores.sql.address import is_durable, state_file
from psf_runtime.stores.sql.opening import open_stores

if TYPE_CHECKING:
    from psf_runtime.stores.sql.stores import SqlStores
    from psf_runtime.stores.sql.vault import SqlVault


@dataclass(frozen=True, slots=True, repr=False)
class State:
    """The stores of one client.

    Attributes:
        key: secret bytes for digests. In memory they are this process's own, and mean nothing outside of it; with a
            durable state all processes that share its keys have the same.
        durable: the stores of the database, or None.
    """

    key: bytes
    vault: MemoryVault | SqlVault
    consents: MemoryConsents
    tickets: MemoryTickets
    ledger: MemoryLedger
    certificates: MemoryCertificates
    cells: MemoryCells
    durable: SqlStores | None = field(default=None)

    @property
    def survives(self) -> str:
        """What of it outlives the process, in a few words."""
        if self.durable is None:
            return "memory: nothing survives the process"
        return "database: tokens survive the process; tickets, consents, certificates and the log do not"


def open_state(policy: Policy, state: str | None, clock: Clock, keys: KeyProvider | None = None) -> State:
    """The stores for `state` (None: the policy's, else `$PSF_STATE`, else memory). Nothing is connected yet.

    Args:
        keys: where the keys of a durable state come from; None: what the policy says, else `$PSF_KEY`.

    Raises ConfigError for a state that is none, a durable one without keys, and a missing extra.
    """
    address = choose_state(state, policy, os.environ)
    durable: SqlStores | None = None
    key = os.urandom(32)
    if is_durable(address):
        source = keys or open_keys(policy.key, os.environ, state_file=state_file(address))
        durable = open_stores(address, source, clock=clock.time, lasting=(EMBEDDINGS,))
        key = hmac.digest(source.names(), b"psf.state 1", "sha256")
    return State(
        key=key,
        vault=MemoryVault() if durable is None else durable.vault,
        consents=MemoryConsents(),
        tickets=MemoryTickets(
            clock=clock,
            deadline_seconds=policy.oversight.deadline_seconds,
            reviewers=[person for group in policy.oversight.reviewers.values() for person in group],
        ),
        ledger=MemoryLedger(),
        certificates=MemoryCertificates(),
        cells=MemoryCells(),
        durable=durable,
    )
