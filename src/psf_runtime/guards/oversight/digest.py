"""A keyed digest of the action that an answer proposes: what an approval is bound to."""

from __future__ import annotations

import hashlib
import hmac

from psf_runtime.types.canonical import action_of, canonical_bytes
from psf_runtime.types.context import Context
from psf_runtime.types.response import Response


def action_digest(context: Context, response: Response, *, key: bytes) -> str:
    """HMAC-SHA256, in hex, over who asks, for what purpose and subject, and the texts and tool calls of the answer.

    Arguments count by their restored JSON value. When a token comes to stand for another value between approval and
    execution, the digest differs.

    Args:
        context: of the call; its facts are part of the action.
        response: the answer, restored: as it would be handed to the caller.
        key: of the tickets; without it nobody can confirm a guessed action.
    """
    data = canonical_bytes(action_of(context.facts, response))
    return hmac.new(key, data, hashlib.sha256).hexdigest()
