"""What is asked and what is answered: the same bytes for everyone who is measured. Standard library only."""

from __future__ import annotations

import json
from typing import Any

Messages = list[dict[str, Any]]

MODEL = "gpt-4o"
CHUNKS = 1_000
HISTORY_BYTES = 200_000
_TURN_BYTES = 2_000
_SYSTEM = "You answer customers of a shop that sells garden tools. Be short, and do not invent facts."
_SENTENCES = (
    "The blue spade has a handle of ash wood, and the steel is forged in one piece.",
    "Parcels leave the warehouse in the afternoon and arrive after two working days.",
    "A pair of shears is worth sharpening each spring, before the first cut of the hedge.",
    "If the box is damaged, please keep it until the carrier has looked at it.",
    "The larger watering can holds ten litres, which is heavy when it is full.",
    "You may send things back within thirty days, as long as they are clean.",
    "Rain will not hurt the wheelbarrow, but salt on the road in winter will.",
)
ANSWER_TEXT = " ".join(_SENTENCES[:3])
STREAMED_TEXT = "".join(f"{' '.join(_SENTENCES).split()[number % 60]} " for number in range(CHUNKS))
_USAGE = {
    "prompt_tokens": 41,
    "completion_tokens": 52,
    "total_tokens": 93,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def small(number: int) -> Messages:
    """A short question that nobody asked before: an answer from a cache of texts would flatter who has one."""
    question = f"Which of your {number} spades is the right one for heavy soil, and how soon could you send it?"
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": question}]


def history() -> Messages:
    """A conversation of 200 KB, ending with a question. Each call makes new objects, as a web worker gets them."""
    messages: Messages = [{"role": "system", "content": _SYSTEM}]
    for turn in range(HISTORY_BYTES // _TURN_BYTES - 1):
        text = f"Turn {turn}."
        while len(text) < _TURN_BYTES:
            text = f"{text} {_SENTENCES[(turn + len(text)) % len(_SENTENCES)]}"
        messages.append({"role": "assistant" if turn % 2 else "user", "content": text[:_TURN_BYTES]})
    messages.append({"role": "assistant", "content": ANSWER_TEXT})
    messages.append({"role": "user", "content": "And which of them would you take yourself?"})
    copy: Messages = json.loads(json.dumps(messages))
    return copy


def request_body(messages: Messages, *, stream: bool) -> dict[str, Any]:
    """The JSON that a bare HTTP client posts."""
    body: dict[str, Any] = {"model": MODEL, "messages": messages}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def answer_body() -> bytes:
    """A whole answer of the chat completions dialect."""
    answer = {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": ANSWER_TEXT, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
    }
    return json.dumps(answer, separators=(",", ":")).encode()


def answer_events() -> list[bytes]:
    """A streamed answer as server-sent events: the role, 1,000 pieces of text, the finish, the usage, the end."""
    choices: list[list[dict[str, Any]]] = [[_choice({"role": "assistant", "content": ""}, None)]]
    words = STREAMED_TEXT.split(" ")[:CHUNKS]
    choices += [[_choice({"content": f"{word} "}, None)] for word in words]
    choices += [[_choice({}, "stop")], []]
    events = [b"data: " + json.dumps(_event(choice), separators=(",", ":")).encode() + b"\n\n" for choice in choices]
    return [*events, b"data: [DONE]\n\n"]


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _event(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion.chunk",
        "created": 1741569952,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": choices,
        "usage": None if choices else _USAGE,
    }
