"""The mock provider of the test kit: the one a client takes in this process, with a server for all other clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psf_runtime.ports import Clock
from psf_runtime.providers.mock.provider import CAPABILITIES, KEEP
from psf_runtime.providers.mock.provider import MockProvider as InProcess
from psf_runtime.providers.mock.replies import Reply
from psf_runtime.testing.server import MockServer
from psf_runtime.testing.server.dialects import FAMILIES


class MockProvider(InProcess):
    """Answers from a script, in this process and, for any client in any language, over a socket of this machine.

    A reply is a text; a list of texts, each of which is one delta; `call(name, ...)`; a dict or a model instance
    (sent as JSON); a Path (the text of that file); `fault...`; an exception to raise; a function of the request; or a
    list that mixes these. Rules made with `on` come first, then the positional replies in order.

    `Client(mock)` asks it without a socket. `openai.OpenAI(base_url=mock.url, api_key="x")`, and any client that
    speaks OpenAI's, Anthropic's or Bedrock's dialect, gets the same replies by the same rules, and its exact bytes are
    remembered.

    Args:
        replies: one per request. With `strict=False` the last one is repeated, and without any the mock echoes.
        name: of the target, in routes and records.
        strict: a request for which no reply is left is a ConfigError.
        capabilities: from `embeddings files images json_schema reasoning seed stream tools usage`.
        chunks: characters per delta for replies that are one text; None sends such a text as one delta.
        require_stamp: refuse requests that no privacy layer has prepared.
        clock: on which silence and time-outs pass; None is real time.
        keep: how many calls are remembered.

    Attributes:
        calls: what it was sent, oldest first, at most `keep`; `unmatched`: what it had no reply for.
        facts: what is known of this target: it is on this machine, keeps nothing and costs nothing.
        live: how many answers are open now; 0 after every call has ended.
    """

    def __init__(
        self,
        *replies: Reply,
        name: str = "mock",
        strict: bool = True,
        capabilities: frozenset[str] = CAPABILITIES,
        chunks: int | None = None,
        require_stamp: bool = False,
        clock: Clock | None = None,
        keep: int = KEEP,
    ) -> None:
        super().__init__(
            *replies,
            name=name,
            strict=strict,
            capabilities=capabilities,
            chunks=chunks,
            require_stamp=require_stamp,
            clock=clock,
            keep=keep,
        )
        self._serving = threading.Lock()  # guards `_server`
        self._server: MockServer | None = None

    @property
    def url(self) -> str:
        """The base URL of a server on this machine, which starts when it is first asked for and lasts until `stop`."""
        with self._serving:
            if self._server is None:
                self._server = MockServer(self.start)
            return self._server.url

    def stop(self) -> None:
        """Stop the server behind `url`, if there is one. The replies stay."""
        with self._serving:
            server, self._server = self._server, None
        if server is not None:
            server.stop()

    @contextmanager
    def serve(self, *, port: int = 0, dialects: frozenset[str] = frozenset(FAMILIES)) -> Iterator[MockServer]:
        """A server of its own for the time of a `with` block.

        Args:
            port: 0 takes a free one.
            dialects: `openai` (chat completions, responses, embeddings), `anthropic`, `bedrock`.
        """
        server = MockServer(self.start, port=port, families=dialects)
        try:
            yield server
        finally:
            server.stop()
