"""`client.preview(...)`: what a provider would receive. Nothing is sent, nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psf_runtime.flow.effects import Flow
from psf_runtime.flow.leaf import Emit
from psf_runtime.ports import Vault
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Text, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import Finding


@dataclass(frozen=True, slots=True, repr=False)
class Preview:
    """What would leave, with tokens in place of personal data.

    Attributes:
        text: the texts of all messages, as the provider would read them.
        wire: the exact body that would be sent to the first target; empty for a mock.
        findings: what was found, without content.
        targets: names of the targets in the order in which they would be asked.
    """

    text: str
    wire: str
    findings: tuple[Finding, ...]
    targets: tuple[str, ...]
    tokens: dict[str, int]

    def __repr__(self) -> str:
        return f"Preview({len(self.text)} characters, {len(self.findings)} findings)"


class PreviewVault:
    """What a conversation knows, read from the real vault, and new values beside it, which are thrown away."""

    def __init__(self, real: Vault, own: Vault) -> None:
        self._real = real
        self._own = own
        self.blocking = real.blocking

    def known(self, tenant: str, conversation: str) -> Mapping[str, tuple[str, str]]:
        """Everything known, old and new."""
        return {**self._own.known(tenant, conversation), **self._real.known(tenant, conversation)}

    def mint(
        self, tenant: str, conversation: str, values: Sequence[tuple[str, str]], *, subject: str | None = None
    ) -> list[str]:
        """The tokens that values have already; for others, tokens of this preview only."""
        old = {pair: token for token, pair in self._real.known(tenant, conversation).items()}
        fresh = [pair for pair in values if pair not in old]
        new = dict(zip(fresh, self._own.mint(tenant, conversation, fresh), strict=True)) if fresh else {}
        return [old.get(pair) or new[pair] for pair in values]

    def forget(self, tenant: str, conversation: str) -> int:
        """Forget what this preview added; the real vault is never touched."""
        return self._own.forget(tenant, conversation)


class Reached(BaseException):
    """The request has come through every layer above the wire."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


def stop_above_the_wire(_context: Context, request: Request, _emit: Emit | None) -> Flow[Response]:
    """A leaf that sends nothing."""
    yield from ()
    raise Reached(request)


def preview_of(request: Request, context: Context, codec: Any, targets: tuple[str, ...]) -> Preview:
    """The preview of a request as it would leave."""
    texts = [part.text for message in request.messages for part in message.parts if isinstance(part, Text | ToolResult)]
    wire = "" if codec is None else codec.encode(request, stream=False).body.decode("utf-8", errors="replace")
    return Preview("\n".join(texts), wire, tuple(context.findings), targets, dict(context.tokens))
