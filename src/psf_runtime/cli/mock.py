"""`psf mock`: a model provider on this machine that answers from a script, for clients in any language."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from types import FrameType
from typing import Any

from psf_runtime.cli.exits import GOOD
from psf_runtime.errors import ConfigError
from psf_runtime.providers.mock import ECHO_CHUNK, echo
from psf_runtime.providers.mock.near import hint
from psf_runtime.providers.mock.quirks import QUIRKS, quirk_named
from psf_runtime.providers.mock.replies import FaultName, fault
from psf_runtime.testing.cassettes import CassetteProvider
from psf_runtime.testing.mock_provider import MockProvider
from psf_runtime.testing.server import MockServer
from psf_runtime.testing.server.dialects import FAMILIES

PORT = 8077
_FAULTS = tuple(name for name in FaultName.__args__ if name != "quirk")  # type: ignore[attr-defined]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="N", help=f"port on 127.0.0.1 ({PORT}); 0: a free one"
    )
    parser.add_argument("--dialect", choices=(*FAMILIES, "all"), default="all", help="which clients are served (all)")
    parser.add_argument(
        "--reply", action="append", metavar="TEXT", help="an answer; again for the next one. Without: it echoes"
    )
    parser.add_argument(
        "--fault", metavar="NAME", help="fail first: rate_limit, cut, slow ..., or a quirk as vllm.reasoning"
    )
    parser.add_argument("--chunks", type=int, default=ECHO_CHUNK, metavar="N", help="characters per piece of a stream")
    parser.add_argument("--cassette", metavar="FILE", help="answer from a recorded cassette")
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Serve until somebody stops it."""
    families = frozenset(FAMILIES if options.dialect == "all" else (options.dialect,))
    with MockServer(_provider(options).start, port=options.port, families=families) as server:
        _say(server, as_json=options.json)
        _wait()
    return GOOD


def _provider(options: argparse.Namespace) -> Any:
    if options.cassette:
        if options.reply or options.fault:
            raise ConfigError(
                "--cassette does not go with --reply or --fault", change="leave them out: a cassette has its answers"
            )
        return CassetteProvider(options.cassette)
    replies: list[Any] = [] if options.fault is None else [_fault(options.fault)]
    replies += options.reply or ([] if replies else [echo])
    return MockProvider(*replies, strict=False, chunks=options.chunks)


def _fault(name: str) -> Any:
    """A fault or a quirk by its name. Raises ConfigError, with the nearest name, when there is none."""
    if "." in name:
        return quirk_named(name)
    if name in _FAULTS:
        return getattr(fault, name)()
    raise ConfigError(
        f"there is no fault {name!r}",
        why=hint(name, (*_FAULTS, *QUIRKS)),
        change="take one of: " + ", ".join((*_FAULTS, *sorted(QUIRKS))),
    )


def _say(server: MockServer, *, as_json: bool) -> None:
    names = [name for name in FAMILIES if name in server.families]
    if as_json:
        # On one line, unlike other commands: whoever started this reads it while the server runs.
        print(json.dumps({"url": server.url, "dialects": names}))
    else:
        print(f"mock provider at {server.url}   ({', '.join(names)}; stop it with Ctrl-C)")
        if "openai" in names:
            print(f"  OpenAI     base_url={server.url}/v1   chat completions, responses, embeddings")
        if "anthropic" in names:
            print(f"  Anthropic  base_url={server.url}")
        if "bedrock" in names:
            print(f"  Bedrock    endpoint_url={server.url}")
    sys.stdout.flush()


def _wait() -> None:
    """Until Ctrl-C, or until whoever started this says stop."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    # Only the main thread may ask for signals; elsewhere whoever runs this has its own way of ending it.
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    else:
        before = {}
    try:
        while not stopped.wait(0.2):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
