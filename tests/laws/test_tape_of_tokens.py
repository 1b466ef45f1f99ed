"""What a tape keeps of a call with personal data in it: tokens, and no value, in no mode."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from psf_runtime.flow.tape import Tape
from psf_runtime.guards.privacy import Builtin, Tokenise
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.testing.modes import MODES, Mode, run_in_mode
from psf_runtime.types.chunks import Chunk, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Message, ToolCall, ToolResult
from psf_runtime.types.request import Limits, Request, Tool
from tests.modes.clients import assert_absent
from tests.modes.planting import VALUES


def holding(value: str) -> Request:
    schema = {"type": "object", "properties": {"a": {"type": "string", "enum": ["x", value]}}}
    return Request(
        (
            Message.system(f"You serve {value} only."),
            Message.user(f"see {value} please"),
            Message("assistant", (ToolCall("c1", "t", json.dumps({value: [value]})),)),
            Message("tool", (ToolResult("c1", f"found {value}", name="t"),)),
        ),
        tools=(Tool("t", f"Serves {value}.", schema),),
        limits=Limits(stop=(value,)),
    )


def echoed(request: Request) -> Sequence[Any]:
    """The provider says everything that it was told, in text and in a tool call."""
    said: list[Chunk] = [TextDelta(message.text) for message in request.messages if message.text]
    return [said, [ToolCallDelta(0, "1", "t", request.messages[2].tool_calls[0].args)]]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("entity", sorted(VALUES))
def test_a_tape_holds_no_value(mode: Mode, entity: str) -> None:
    """Recorded is what happened below the line; the caller got the value, and the vault keeps it sealed."""
    value = VALUES[entity]
    vault = MemoryVault(b"v" * 32)
    guard = Tokenise(vault=vault, detectors=[Builtin()], key=b"k" * 32)
    tape = Tape()
    outcome = run_in_mode(mode, [guard], echoed, request=holding(value), tape=tape)

    assert outcome.error is None
    values = sorted({value, value.replace(" ", "")})
    recorded = json.dumps(tape.to_data())
    assert len(recorded) > 200
    assert_absent(values, recorded, "the tape")
    assert_absent(values, repr((outcome.context, outcome.context.shared, guard, tape)), "a repr")
    rooms = vault._conversations.values()
    assert_absent(values, repr([(room.tokens, room.rows, room.owners) for room in rooms]), "the vault at rest")
    if entity not in ("SECRET", "CREDIT_CARD"):
        assert outcome.response is not None
        assert value in outcome.response.text
