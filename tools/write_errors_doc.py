"""Write docs/errors.md: every public error printed once. `--check` only compares, and exits 1 when it differs.

Run: python tools/write_errors_doc.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from psf_runtime import errors
from psf_runtime.errors import PsfError

TARGET = Path(__file__).resolve().parents[1] / "docs" / "errors.md"


def examples() -> list[PsfError]:
    """One error of every class, as a caller sees it."""
    limited = errors.RateLimitError(
        "openai:gpt-4o: too many calls", kind="rate_limited", target="openai:gpt-4o", status=429, retry_after=12.0
    )
    slow = errors.ProviderTimeout("no connection within 5 s", kind="timeout", target="claude")
    small = errors.NotEligible(
        "it cannot give JSON by a schema", target="local:llama3", control="portability.capability"
    )
    return [
        PsfError("the root of all errors here"),
        errors.ConfigError(
            "Policy.strict() lacks 2 things:",
            problems=[
                ("state", "memory keeps nothing", 'state = "sqlite:///psf.db"'),
                ("purposes.support", "has no owner", '[purposes.support] owner = "..."'),
            ],
        ),
        errors.Blocked(
            "the call was stopped: no_competitors blocked it", control="no_competitors", why="names a competitor"
        ),
        errors.ConsentDenied(
            "nothing was sent: no lawful basis for purpose 'newsletter'",
            control="privacy.consent",
            source="psf.toml:5",
            why="the purpose rests on consent, and there is no valid record for openai (US)",
            change="client.consents.grant(subject=..., purpose='newsletter', recipients=['openai'])",
        ),
        small,
        errors.ContractViolation(
            "the answer does not fit its contract",
            control="contracts.output",
            errors=[("amount", "greater_than")],
            why="asked again in vain",
            change="loosen the contract, or choose a model that follows it",
        ),
        errors.ModelRefused("the model declined to answer", control="contracts.refusal"),
        errors.ApprovalDenied("not approved: a reviewer said no", control="oversight.triggers", reason_code="rejected"),
        errors.Halted("nothing was sent: the kill switch is on", control="resilience.halt", why="PSF_HALT is set"),
        errors.BudgetExceeded(
            "nothing was sent: the budget of purpose 'support' is used up", control="resilience.budget", retry_after=60
        ),
        errors.ApprovalPending(
            "a person has to decide first; nothing was delivered",
            control="oversight.triggers",
            change="show the ticket to a reviewer, then call client.resume(ticket)",
        ),
        errors.ProviderError("openai:gpt-4o: the server failed", target="openai:gpt-4o", status=503, retry_safe=True),
        errors.AuthenticationError("openai:gpt-4o: the key was not accepted", kind="auth", status=401),
        limited,
        errors.ContextLengthError("openai:gpt-4o: the request is longer than the window", kind="context_length"),
        slow,
        errors.StreamInterrupted("the stream ended before it was finished", kind="stream_interrupted"),
        errors.RoutesExhausted("2 targets failed, 1 was not eligible; no chunk was delivered", [limited, slow, small]),
        errors.GuardError(
            "guard 'no_competitors' failed in on_response with KeyError; the call was stopped",
            layer="no_competitors",
            hook="on_response",
            control="no_competitors",
            why="raised at guards.py:12 in no_competitors",
            change="mend the guard, or declare on_error='allow' if the call may go on without it",
        ),
        errors.StateError("the decision log cannot be written; nothing was sent", control="accountability.log"),
        errors.TapeDiverged("step 3 of the recorded call is Open, but the layers now ask for Sleep"),
    ]


def page() -> str:
    """The document."""
    lines = [
        "# Every error once",
        "",
        "Written by `python tools/write_errors_doc.py` from the classes themselves. A message says what happened,",
        "which control and who set it, why, and what to change; it never holds content.",
        "",
    ]
    for error in examples():
        kind = type(error)
        first = (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")
        bases = ", ".join(base.__name__ for base in kind.__bases__)
        lines += [
            f"## {kind.__name__}",
            "",
            f"({bases}) {first}",
            "",
            "```text",
            f"{kind.__name__}: {error}",
            "```",
            "",
        ]
    return "\n".join(lines)


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv:
        return 0 if TARGET.read_text(encoding="utf-8") == page() else 1
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
