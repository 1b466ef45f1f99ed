"""A real llama.cpp server on loopback, serving the echo model: for tests and demonstrations. Needs the extra `demo`.

    with EchoServer() as server:
        client = Client(server.target)          # "local:echo-lm@http://127.0.0.1:40123/v1"

`python -m psf_runtime.testing.llama_server` runs one until its standard input is closed, and prints its base URL.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.testing.echo_model import echo_model, missing_extra

MODEL = "echo-lm"
SLOTS = 4  # requests answered at once
SLOT_TOKENS = 4096  # what one request and its answer may have together
HTTP_THREADS = 32  # the server binds one to each open connection, and makes further connections wait


class EchoServer:
    """Starts on entering a `with` block (about 0.1 s once the model is cached), stops on leaving it.

    Attributes:
        base_url: where it answers, `http://127.0.0.1:PORT/v1`; only while it runs.
        model: the name under which it serves the echo model.
        target: both as a model string, `local:echo-lm@http://127.0.0.1:PORT/v1`.
    """

    model = MODEL

    def __init__(self) -> None:
        self._server: Any = None
        self._base_url = ""

    def __enter__(self) -> EchoServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Where it answers. Raises ConfigError while it does not run."""
        if self._server is None:
            raise ConfigError("the echo server does not run", change="use it in a with block, or call start() first")
        return self._base_url

    @property
    def target(self) -> str:
        """The model string for a client."""
        return f"local:{self.model}@{self.base_url}"

    def start(self) -> None:
        """Start it on a free port of this machine; it listens when this returns. Does nothing when it runs."""
        if self._server is None:
            self._server = _start(str(echo_model()))
            self._base_url = f"{self._server.listening_address}/v1"

    def stop(self) -> None:
        """Stop it. Does nothing when it does not run."""
        self._server = None  # the server has no other way to stop: its last reference has to go


def _start(model_path: str) -> Any:
    try:
        import xllamacpp
    except ImportError:
        raise missing_extra("xllamacpp") from None
    settings = xllamacpp.CommonParams()
    settings.model.path = model_path
    settings.model_alias = {MODEL}  # a set: a plain string would be read as the set of its letters
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.n_ctx = SLOTS * SLOT_TOKENS
    settings.n_parallel = SLOTS
    settings.cpuparams.n_threads = 1  # idle threads spin: two on a busy machine are thirty times slower than one
    settings.n_threads_http = HTTP_THREADS
    settings.warmup = False
    settings.ui = False
    settings.verbosity = 0
    return xllamacpp.Server(settings)


def main() -> None:
    """Serve until standard input is closed."""
    with EchoServer() as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
