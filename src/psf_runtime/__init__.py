"""psf_runtime: the controls of the Production Safety Framework, around every call to a large language model.

    from psf_runtime import Client

    client = Client("openai:gpt-4o")
    answer = client.complete("Hello")

Everything public is here and in `psf_runtime.errors`, `.types`, `.policy`, `.guards` and `.testing`. Names are loaded
when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psf_runtime.client.ambient import facts
    from psf_runtime.client.async_client import AsyncClient
    from psf_runtime.client.border import decision_of
    from psf_runtime.client.client import Client
    from psf_runtime.client.wrap import wrap
    from psf_runtime.errors import ApprovalPending, Blocked, ConfigError, ProviderError, PsfError
    from psf_runtime.guards.contracts.contract import Contract
    from psf_runtime.guards.function import guard
    from psf_runtime.policy.policy import Policy
    from psf_runtime.types.completion import Completion
    from psf_runtime.types.decision import Decision
    from psf_runtime.types.media import File, Image
    from psf_runtime.types.messages import Message, untrusted
    from psf_runtime.types.request import Tool
    from psf_runtime.types.rules import Purpose, ToolRule, Waiver
    from psf_runtime.types.target import Target
    from psf_runtime.types.ticket import Ticket
    from psf_runtime.types.verdict import Allow, Block, Escalate, Reask, Reroute, Rewrite, Verdict

_HOMES = {
    "AsyncClient": "client.async_client",
    "Client": "client.client",
    "Completion": "types.completion",
    "Contract": "guards.contracts.contract",
    "Decision": "types.decision",
    "File": "types.media",
    "Image": "types.media",
    "Message": "types.messages",
    "Policy": "policy.policy",
    "Purpose": "types.rules",
    "Target": "types.target",
    "Ticket": "types.ticket",
    "Tool": "types.request",
    "ToolRule": "types.rules",
    "Waiver": "types.rules",
    "Allow": "types.verdict",
    "Block": "types.verdict",
    "Escalate": "types.verdict",
    "Reask": "types.verdict",
    "Reroute": "types.verdict",
    "Rewrite": "types.verdict",
    "Verdict": "types.verdict",
    "ApprovalPending": "errors",
    "Blocked": "errors",
    "ConfigError": "errors",
    "ProviderError": "errors",
    "PsfError": "errors",
    "decision_of": "client.border",
    "facts": "client.ambient",
    "guard": "guards.function",
    "untrusted": "types.messages",
    "wrap": "client.wrap",
}

__all__ = [
    "Allow",
    "ApprovalPending",
    "AsyncClient",
    "Block",
    "Blocked",
    "Client",
    "Completion",
    "ConfigError",
    "Contract",
    "Decision",
    "Escalate",
    "File",
    "Image",
    "Message",
    "Policy",
    "ProviderError",
    "PsfError",
    "Purpose",
    "Reask",
    "Reroute",
    "Rewrite",
    "Target",
    "Ticket",
    "Tool",
    "ToolRule",
    "Verdict",
    "Waiver",
    "decision_of",
    "facts",
    "guard",
    "untrusted",
    "wrap",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
