"""Records a cassette: calls go to a real target, and what was asked and answered is written down, below the tokens."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from psf_runtime.client.targets import gather_targets
from psf_runtime.errors import Blocked, ConfigError, ProviderError
from psf_runtime.guards.privacy.detect import Builtin
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import Source
from psf_runtime.providers.mock import MockProvider
from psf_runtime.testing.cassettes.answers import answer_data, masked
from psf_runtime.testing.cassettes.asked import asked_data
from psf_runtime.testing.cassettes.tape import Cassette, Entry, save
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response


class RecordingProvider(MockProvider):
    """Sends calls to a real target and remembers them for a cassette. Works as the `model` of a Client.

    It stands where bytes leave, so that personal data is tokens already; what a model says of its own accord is masked
    by the recognisers. A request that no layer prepared is not sent. `save` writes the file, or leaving the `with`
    block without an error.

    Args:
        path: of the cassette.
        record: the target, as a model string or a Target.
        policy: for the time-outs of connections.
        http_client: as for a Client.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, record: Any, policy: Policy | None = None, http_client: Any = None
    ) -> None:
        self.path = Path(path)
        targets = gather_targets(
            record,
            fallbacks=(),
            policy=policy or Policy.standard(),
            http_client=http_client,
            api_key=None,
            base_url=None,
            region=None,
        )
        facts = next(facts for facts in targets.facts if facts.name == targets.first)
        super().__init__(name=facts.name, require_stamp=True)
        self.facts = facts
        self.capabilities = facts.capabilities
        self.cassette = Cassette(facts.name, tuple(sorted(facts.capabilities)))
        self._targets = targets
        self._detector = Builtin()
        self._writing = threading.Lock()  # guards `cassette`

    def open(self, request: Request, *, stream: bool, left: float | None) -> Any:
        """Send it, and take down what comes."""
        note = _Note(self, request)
        try:
            return _Recorded(self._targets.transport.open(request, stream=stream, left=left), note)
        except ProviderError as error:
            note.failed(error)
            raise

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> Any:
        """As `open`."""
        note = _Note(self, request)
        try:
            return _Recorded(await self._targets.transport.aopen(request, stream=stream, left=left), note)
        except ProviderError as error:
            note.failed(error)
            raise

    def unused(self) -> list[str]:
        """Nothing: a recording has no replies."""
        return []

    def keep(self, entry: Entry) -> None:
        """Append a call to the cassette."""
        with self._writing:
            self.cassette.entries.append(entry)

    def mask(self, chunks: list[Chunk]) -> list[Chunk]:
        """The chunks as they may be written down."""
        with self._writing:
            return masked(chunks, self._detector, self.cassette.masked)

    def save(self) -> None:
        """Write the cassette. Raises ConfigError when nothing was recorded."""
        if not self.cassette.entries:
            raise ConfigError(
                f"nothing was recorded for the cassette {self.path.name!r}",
                change="make at least one whole call through the client while recording",
            )
        save(self.cassette, self.path)

    def close(self) -> None:
        """Close the connections to the target."""
        self._targets.transport.close()

    async def aclose(self) -> None:
        """As `close`."""
        await self._targets.transport.aclose()

    def __enter__(self) -> RecordingProvider:
        """Use it in a `with` block, which saves at its end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Save, unless something went wrong."""
        if kind is None:
            self.save()


class _Note:
    """One call while it is taken down."""

    def __init__(self, recorder: RecordingProvider, request: Request) -> None:
        if request.stamp is None:
            raise Blocked(
                "nothing was sent or recorded: nobody prepared the request for its recipients",
                control="privacy.tokens",
                why="a cassette holds tokens in place of personal data, and a layer puts them there",
                change="record through a Client",
                failure_mode="FM04",
            )
        self._recorder = recorder
        self._asked, self._names = asked_data(request)
        self._find_leak = request.stamp.find_leak
        self.chunks: list[Chunk] = []

    def failed(self, error: ProviderError) -> None:
        """The call ended with an error."""
        self._keep(None, error)

    def ended(self, head: Response) -> None:
        """The answer is whole."""
        self._keep(head, None)

    def _keep(self, head: Response | None, error: ProviderError | None) -> None:
        chunks = self._recorder.mask(self.chunks)
        entry = Entry(self._asked, answer_data(chunks, head, error, self._names))
        entity = self._find_leak(Cassette("", entries=[entry]).to_bytes())
        if entity is None:
            self._recorder.keep(entry)
            return
        raise Blocked(
            f"the call was not recorded: it holds a known {entity}",
            control="privacy.tokens",
            why="a cassette holds tokens in place of personal data",
            change="report this: a layer above let the value through",
            failure_mode="FM04",
        )


class _Recorded:
    """An answer on its way, taken down while it is read. One that is left early is not recorded."""

    def __init__(self, source: Source, note: _Note) -> None:
        self._source = source
        self._note = note

    def read(self, left: float | None) -> list[Chunk] | None:
        """The next deltas."""
        try:
            return self._taken(self._source.read(left))
        except ProviderError as error:
            self._note.failed(error)
            raise

    async def aread(self, left: float | None) -> list[Chunk] | None:
        """As `read`."""
        try:
            return self._taken(await self._source.aread(left))
        except ProviderError as error:
            self._note.failed(error)
            raise

    def _taken(self, chunks: list[Chunk] | None) -> list[Chunk] | None:
        if chunks is None:
            self._note.ended(self._source.head())
        else:
            # A copy: the layers above may change a chunk that they were given.
            self._note.chunks += [_copy(chunk) for chunk in chunks]
        return chunks

    def head(self) -> Response:
        """As the source's."""
        return self._source.head()

    def close(self) -> None:
        """End it."""
        self._source.close()

    async def aclose(self) -> None:
        """End it."""
        await self._source.aclose()


def _copy(chunk: Chunk) -> Chunk:
    return type(chunk)(*(getattr(chunk, name) for name in chunk.__slots__))
