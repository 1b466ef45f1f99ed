"""Fitness certificates in memory: who says that a target is fit for a purpose, until when, on what evidence."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace

from psf_runtime.errors import ConfigError
from psf_runtime.stores.forking import start_anew_after_fork

_CLOCK_SLACK = 5.0  # seconds a clock may go back before nothing that expires is trusted


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, unsigned: it is worth as much as the code that issues it.

    Attributes:
        target: name of the target, as routes show it.
        valid_until: seconds since the epoch; at that moment it is valid no more.
        by: who says so; `evidence`: where the results are, for example a report's name.
        revoked_by: who withdrew it, and why (`revoked_because`); empty while it stands.
    """

    id: str
    purpose: str
    target: str
    valid_until: float
    by: str
    evidence: str
    revoked_by: str = ""
    revoked_because: str = ""


class MemoryCertificates:
    """Certificates for the life of this process; a port of the kind `Certificates`.

    Not there yet: signatures, and binding to a model's version, prompt, contract and guards. A forked child keeps a
    copy: what is revoked in one process later is not revoked in the other.
    """

    blocking = False

    def __init__(self) -> None:
        # Invariant: under the lock, `_rows` maps every id ever issued to its newest form, `_pairs` maps
        # (purpose, target) to the ids issued for it, and `_latest` is the latest time anybody asked about.
        self._lock = threading.Lock()
        self._rows: dict[str, Certificate] = {}
        self._pairs: dict[tuple[str, str], list[str]] = {}
        self._latest = -math.inf
        start_anew_after_fork(self)

    def issue(self, *, purpose: str, target: str, valid_until: float, by: str, evidence: str) -> Certificate:
        """Certify `target` for `purpose` until a time. Raises ConfigError when something is missing."""
        texts = {"purpose": purpose, "target": target, "by": by, "evidence": evidence}
        missing = [(name, "is empty", f"give {name}=") for name, value in texts.items() if not value]
        if not math.isfinite(valid_until):
            missing.append(("valid_until", "is not a time", "give seconds since the epoch; no certificate is for ever"))
        if missing:
            raise ConfigError("the certificate is incomplete", control="fitness.certificate", problems=missing)
        with self._lock:
            certificate = Certificate(f"cert-{len(self._rows) + 1:04d}", purpose, target, valid_until, by, evidence)
            self._rows[certificate.id] = certificate
            self._pairs.setdefault((purpose, target), []).append(certificate.id)
        return certificate

    def revoke(self, certificate_id: str, *, by: str, reason: str) -> Certificate:
        """Withdraw a certificate, from now on. Raises ConfigError for an unknown id, or without `by` and `reason`."""
        if not by or not reason:
            raise ConfigError("a revocation needs by= and reason=", control="fitness.certificate")
        with self._lock:
            certificate = self._rows.get(certificate_id)
            if certificate is None:
                raise ConfigError(
                    "there is no certificate of that id",
                    control="fitness.certificate",
                    change="list them with: psf cert show",
                )
            if not certificate.revoked_by:
                certificate = replace(certificate, revoked_by=by, revoked_because=reason)
                self._rows[certificate_id] = certificate
        return certificate

    def valid(self, purpose: str, target: str, now: float) -> bool:
        """Whether a certificate covers the pair at `now`. A clock that went back more than 5 s makes none valid."""
        with self._lock:
            if now < self._latest - _CLOCK_SLACK or math.isnan(now):
                return False
            self._latest = max(self._latest, now)
            rows = [self._rows[one] for one in self._pairs.get((purpose, target), ())]
            return any(now < row.valid_until and not row.revoked_by for row in rows)

    def certificates(self) -> tuple[Certificate, ...]:
        """All of them, in the order of issue, revoked and expired ones too."""
        with self._lock:
            return tuple(self._rows.values())

    def start_anew(self) -> None:
        """In a forked child: a lock of its own."""
        self._lock = threading.Lock()
