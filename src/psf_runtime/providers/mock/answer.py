"""One answer of a mock provider, ready to be sent: what comes, in which pieces, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from psf_runtime.providers.mock.quirks import Quirk
from psf_runtime.providers.mock.replies import Ending
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response, Vector
from psf_runtime.types.response_head import FinishReason


@dataclass(slots=True, repr=False)
class Script:
    """One answer, ready to be sent.

    Attributes:
        batches: what each read returns.
        ending: what happens after the last batch; None is the regular end.
        at_once: the ending comes in place of an answer: opening the source fails.
        vectors: the answer to an embed call, which has no batches.
        pause: seconds before each batch.
        head: what the answer says about itself, where it was read from bytes.
        quirk: the bytes that a server would send word for word.
    """

    batches: list[list[Chunk]] = field(default_factory=list)
    ending: Ending | None = None
    at_once: bool = False
    finish: FinishReason = "stop"
    usage: bool = True
    vectors: tuple[Vector, ...] = ()
    pause: float = 0.0
    head: Response | None = None
    quirk: Quirk | None = None
