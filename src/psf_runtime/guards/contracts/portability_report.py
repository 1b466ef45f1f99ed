"""What each kind of provider makes of an output contract."""

from __future__ import annotations

from dataclasses import dataclass

from psf_runtime.guards.contracts.lowering import Lowered

# How a provider's own interface takes a schema: natively, as the arguments of one tool, or only as words.
_WAYS: tuple[tuple[str, str], ...] = (
    ("openai", "native"),
    ("openai-responses", "native"),
    ("azure", "native"),
    ("anthropic", "tool"),
    ("bedrock", "tool"),
    ("local", "native where the server enforces a grammar, else prompt"),
    ("mock", "native"),
)


@dataclass(frozen=True, slots=True)
class PortabilityReport:
    """Per vendor: native, tool or prompt; what is lowered, and where it is checked again.

    Attributes:
        ways: (provider, way) pairs; `lowered`: (path, keyword) of what the model is not told.
        wrapped: the answer travels inside `{"value": ...}`; `loose`: why vendors' strict modes cannot be used.
    """

    ways: tuple[tuple[str, str], ...]
    lowered: tuple[tuple[str, str], ...]
    wrapped: bool
    loose: tuple[str, ...]

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.ways)
        lines = [f"{name:<{width}}  {way}" for name, way in self.ways]
        if self.wrapped:
            lines.append('wrapped: the answer travels as {"value": ...} and is unwrapped before it is checked')
        if self.lowered:
            lines.append("lowered (a token cannot meet it; checked on the restored answer, before you get it):")
            lines.extend(f"  {path}  {keyword}" for path, keyword in self.lowered)
        if self.loose:
            lines.append("no strict mode (the answer is checked all the same):")
            lines.extend(f"  {reason}" for reason in self.loose)
        return "\n".join(lines)


def report_on(lowered: Lowered) -> PortabilityReport:
    """The report on one contract."""
    losses = tuple((loss.path, loss.keyword) for loss in lowered.losses)
    return PortabilityReport(_WAYS, losses, lowered.wrapped, lowered.loose)
