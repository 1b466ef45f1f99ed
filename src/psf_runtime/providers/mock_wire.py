"""What a mock provider remembers of a call: the request, and the exact bytes that left."""

from __future__ import annotations

from psf_runtime.providers.base import Outgoing, Wire
from psf_runtime.providers.openai import OPENAI, Differences, OpenAIChat
from psf_runtime.types.request import Request

_CODEC = OpenAIChat(differences=Differences("mock", "max_completion_tokens", extra=OPENAI.extra))


class MockCall:
    """One request as it was sent, in OpenAI's chat completions.

    The bytes are made when they are first asked for, or before sending when the request carries a stamp; they may
    then raise the ConfigError of a part that has no place on this wire.

    Attributes:
        request: with tokens in place of personal data; `stream`: whether a stream was asked for.
    """

    __slots__ = ("_sent", "request", "stream")

    def __init__(self, request: Request, stream: bool) -> None:
        self.request = request
        self.stream = stream
        self._sent: Wire | None = None

    def outgoing(self) -> Outgoing:
        """What a sender would hand to the network."""
        if self._sent is None:
            self._sent = _CODEC.encode(self.request, stream=self.stream)
        sent = self._sent
        return Outgoing(sent.method, sent.path, sent.headers, sent.body)

    @property
    def body(self) -> bytes:
        """The exact bytes."""
        return self.outgoing().body

    @property
    def wire(self) -> str:
        """The exact text of the body."""
        return self.body.decode("utf-8")

    def __repr__(self) -> str:
        return f"MockCall({self.request!r}, stream={self.stream})"
