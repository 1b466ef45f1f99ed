"""What an erasure did, and what it could not reach: a receipt that can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.types.consent_receipt import iso_time

ERASURE_SCHEMA = "psf.erasure.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReceipt:
    """A signed receipt: how much was erased where, and what remains out of reach.

    Attributes:
        subject: the name of the subject's chain; nobody can connect it with the subject any more. "" when nothing was
            known of the subject.
        time: seconds since the epoch.
        erased: per store, how many values, rows or answers are gone.
        kept: per store, how many records stay, without anything that leads to the subject.
        not_reached: what no software here can erase, in plain words.
        backups: when backups of the state become unreadable, in plain words.
        chain: how far the subject's chain goes: number and digest of its last link.
        signature, algorithm: over all of the above.
    """

    subject: str
    tenant: str
    time: float
    erased: Mapping[str, int]
    kept: Mapping[str, int]
    not_reached: tuple[str, ...]
    backups: str
    chain: tuple[int, str]
    algorithm: str
    details: Mapping[str, Any] = field(default_factory=dict)
    signature: str = ""

    def content(self) -> dict[str, Any]:
        """What the signature covers."""
        return {
            "schema": ERASURE_SCHEMA,
            "subject": self.subject,
            "tenant": self.tenant,
            "time": self.time,
            "erased_at": iso_time(self.time),
            "erased": dict(self.erased),
            "kept": dict(self.kept),
            "not_reached": list(self.not_reached),
            "backups": self.backups,
            "chain": {"sequence": self.chain[0], "digest": self.chain[1]},
            "details": dict(self.details),
            "algorithm": self.algorithm,
        }

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON, with its signature."""
        return {**self.content(), "signature": self.signature}
