"""SecretAnswers: an answer that holds a key or a private key is stopped before the key is out."""

from __future__ import annotations

from psf_runtime.errors import Blocked
from psf_runtime.flow.protocols import GuardBase, Session, window
from psf_runtime.flow.text import PartKey, TextSession
from psf_runtime.guards.privacy.recognise.credentials import LONGEST_LETTERS, find_keys, may_hold_keys
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.verdict import Finding

_CONTROL = "privacy.secrets"
_WINDOW = 160  # characters: every shape shows itself within so many from its beginning
_CONTEXT = 64  # characters already let go that a shape may look back at


class SecretAnswers(GuardBase):
    """Stops answers, streams and tool arguments included, that hold a secret of a known shape.

    Keys of common vendors, signed web tokens, private keys. An assignment (`password = ...`) in an answer is not
    enough: it is usually an example. On the way out secrets are masked by `privacy.tokens`. It has no observing mode.
    """

    name = _CONTROL
    domain = Domain.PRIVACY
    hold = window(_WINDOW)
    inside_of = ("privacy.tokens",)

    @property
    def session(self) -> type[Session]:  # type: ignore[override]
        """The class of what `open` returns."""
        return SecretSession

    def open(self, context: Context) -> SecretSession:
        """A session for one attempt."""
        return SecretSession(context)


class SecretSession(TextSession):
    """Keeps back the last characters of each part until no secret can begin in them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Text, how much of its beginning has been let go, and whether nothing in it can begin a key. While that is so,
        # only what is new has to be looked at: measured, a quarter of the time per chunk.
        self._kept: dict[PartKey, tuple[str, int, bool]] = {}

    def text(self, piece: str, part: PartKey) -> str:
        """What may go on. Raises Blocked when a secret is complete, or too long to be anything else."""
        before, gone, quiet = self._kept.get(part, ("", 0, True))
        text = before + piece
        release = max(gone, len(text) - _WINDOW)
        quiet = quiet and not may_hold_keys(before[1 - LONGEST_LETTERS :] + piece)
        for found in () if quiet else find_keys(text):
            open_ended = found.end == len(text)
            if not open_ended or found.end - found.start > _WINDOW:
                self._stop()
            release = min(release, max(gone, found.start))
        out = text[gone:release]
        cut = max(0, release - _CONTEXT)
        kept = text[cut:]
        self._kept[part] = (kept, release - cut, quiet or not may_hold_keys(kept))
        return out

    def flush(self, part: PartKey) -> str:
        """The rest of a part that has ended. Raises Blocked when it holds a secret."""
        text, gone, quiet = self._kept.pop(part, ("", 0, True))
        if not quiet and find_keys(text):
            self._stop()
        return text[gone:]

    def _stop(self) -> None:
        finding = Finding(_CONTROL, "SECRET", "response")
        self._context.findings.append(finding)
        raise Blocked(
            "the answer holds a secret",
            control=_CONTROL,
            why="part of it has the shape of an API key, a signed token or a private key",
            change="find out how the model came to know it, and replace the secret",
            findings=(finding,),
        )
