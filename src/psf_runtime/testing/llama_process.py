"""The echo server in a process of its own, which can be killed in the middle of an answer."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType

from psf_runtime.errors import ConfigError
from psf_runtime.testing.llama_server import MODEL


class EchoServerProcess:
    """As `EchoServer`, and with `kill()`: what a client sees when a provider dies.

    Attributes:
        base_url, model, target: as on `EchoServer`.
    """

    model = MODEL

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._base_url = ""

    def __enter__(self) -> EchoServerProcess:
        command = [sys.executable, "-m", "psf_runtime.testing.llama_server"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert process.stdout is not None
        self._process = process
        self._base_url = process.stdout.readline().strip()
        if not self._base_url:
            self._reap()
            raise ConfigError(
                "the echo server did not start",
                why="its process ended without saying where it listens; its own message is on standard error",
                change="pip install 'psf-runtime[demo]'",
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def base_url(self) -> str:
        """Where it answers, or answered before it was killed."""
        return self._base_url

    @property
    def target(self) -> str:
        """The model string for a client."""
        return f"local:{self.model}@{self.base_url}"

    def kill(self) -> None:
        """End the process at once, as a crash would. Does nothing when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()
