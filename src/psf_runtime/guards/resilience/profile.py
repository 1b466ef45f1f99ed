"""Whether a request was prepared strictly enough for a recipient.

A request is transformed once, before the route chooses. A target that asks for more than was done must not get it:
otherwise a fallback would send in clear what was prepared for a machine of one's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from psf_runtime.ports import Eligibility
from psf_runtime.types.request import Stamp

Profile = Mapping[str, str]  # entity -> action

_STRICTNESS = {"allow": 0, "token": 1, "tokenise": 1, "surrogate": 1, "hash": 1, "mask": 2, "block": 3}
_STRICTEST = max(_STRICTNESS.values())


def profile_gap(required: Profile | None, stamp: Stamp | None) -> Eligibility | None:
    """Why the stamped request may not go to a target that requires `required`; None when it may.

    `required` None means that nobody knows what the target requires: refused. An action that is not known counts as
    the strictest when required, and as nothing when done.
    """
    if required is None:
        return Eligibility("privacy.tokens", "it is not known how a request must be prepared for this target")
    done = stamp.profile if stamp is not None else {}
    short = sorted(
        entity
        for entity, action in required.items()
        if _STRICTNESS.get(action, _STRICTEST) > _STRICTNESS.get(done.get(entity, "allow"), 0)
    )
    if not short:
        return None
    return Eligibility("privacy.tokens", f"the request was prepared for a less strict recipient ({', '.join(short)})")
