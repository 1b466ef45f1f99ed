"""What a mock provider remembers of a call: the request, and the exact bytes that left."""

from __future__ import annotations

from psf_runtime.providers.base import Codec, Outgoing, Wire
from psf_runtime.providers.embeddings.openai import Dialect, OpenAIEmbeddings
from psf_runtime.providers.openai import OPENAI, Differences, OpenAIChat
from psf_runtime.types.request import Request

_CODEC = OpenAIChat(differences=Differences("mock", "max_completion_tokens", extra=OPENAI.extra))

_EMBEDDINGS = OpenAIEmbeddings(dialect=Dialect("mock"))


class MockCall:
    """One request as it was sent, in OpenAI's chat completions, or embeddings; over a socket, as it was received.

    The bytes are made when they are first asked for, or before sending when the request carries a stamp; they may
    then raise the ConfigError of a part that has no place on this wire. What a server received is kept as it came.

    Attributes:
        request: with tokens in place of personal data; `stream`: whether a stream was asked for.
    """

    __slots__ = ("_received", "_sent", "request", "stream")

    def __init__(self, request: Request, stream: bool, received: Outgoing | None = None) -> None:
        self.request = request
        self.stream = stream
        self._received = received
        self._sent: Wire | None = None

    def outgoing(self) -> Outgoing:
        """What a sender would hand to the network, or what the server received."""
        if self._received is not None:
            return self._received
        if self._sent is None:
            codec: Codec = _CODEC if self.request.operation == "chat" else _EMBEDDINGS
            self._sent = codec.encode(self.request, stream=self.stream)
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
