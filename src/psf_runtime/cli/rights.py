"""What `psf consent` and `psf subject` share: the client over a policy and a state, and what memory cannot do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psf_runtime.cli.exits import GOOD, CommandError
from psf_runtime.cli.output import write_json
from psf_runtime.cli.policy_file import load_policy
from psf_runtime.client.client import Client
from psf_runtime.client.core import Core
from psf_runtime.stores.memory_consents import MemoryConsents

_WHY = "consents are kept in memory here: each process has its own, and this command began a moment ago"


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    parser.add_argument("--tenant", metavar="NAME", default="default", help="whose subjects are meant")
    parser.add_argument("--policy", metavar="FILE", help="the policy (./psf.toml if it is there)")
    parser.add_argument("--state", metavar="URL", help="where consents are kept, else what the policy says")
    parser.add_argument("--json", action="store_true", help="write JSON")


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[Client]:
    """A client over the policy and the state that the command names. It sends nothing."""
    policy, _ = load_policy(options.policy)
    client = Client(policy=policy, state=options.state) if policy.targets else _echo(policy, options.state)
    with client:
        yield client


def is_in_memory(client: Client) -> bool:
    """Whether consents end with this process."""
    core: Core = client._core
    return isinstance(core.state.consents, MemoryConsents)


def refuse_memory(client: Client, what: str) -> None:
    """Raises CommandError when what the command does would be lost at once."""
    if is_in_memory(client):
        raise CommandError(
            f"nothing was {what}",
            why=_WHY,
            change="do it in the application that makes the calls: client.consents, client.subjects",
        )


def say_empty(options: argparse.Namespace, what: str, empty: Any) -> int:
    """There is nothing to show, and why. Good all the same."""
    if options.json:
        write_json(sys.stdout, {**empty, "note": _WHY})
    else:
        sys.stdout.write(f"no {what} to show: {_WHY}\n")
        sys.stdout.write("ask the application that makes the calls: client.consents, client.subjects\n")
    return GOOD


def _echo(policy: Any, state: str | None) -> Client:
    return Client("mock:echo", policy=policy, state=state)
