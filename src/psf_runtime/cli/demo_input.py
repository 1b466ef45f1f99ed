"""The inputs of `psf demo`: real texts, and what has to become of each."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

NAMES = (
    "01_support_mail_en",
    "02_chat_de",
    "03_delivery_fr",
    "04_order_es",
    "05_claim_letter_en",
    "06_complaint_pl",
    "07_lookup_de",
    "08_outage_en",
    "09_chat_it_ja",
    "10_refund_tr",
)
CALL_BEGINS, CALL_ENDS = "<tool_call>\n", "\n</tool_call>"
Show = Literal["complete", "stream", "structured", "approval", "fallback"]


@dataclass(frozen=True, slots=True, repr=False)
class DemoInput:
    """One text, how it is sent, and what has to come of it.

    Attributes:
        private: values that may not leave, and that the caller gets back.
        masked: values that may not leave and that nobody gets back, each with what stands in its place.
        output: the JSON schema of a structured answer, or None.
    """

    name: str
    title: str
    language: str
    show: Show
    purpose: str
    note: str
    private: tuple[str, ...]
    masked: Mapping[str, str]
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...]
    output: Mapping[str, Any] | None

    @property
    def planted(self) -> tuple[str, ...]:
        """Every value that no provider may receive."""
        return (*self.private, *self.masked)

    @property
    def expected_text(self) -> str:
        """The text that the caller has to get back: what was sent, with masks for what is gone for good."""
        return self._with_masks(self._script.partition(CALL_BEGINS)[0])

    @property
    def expected_calls(self) -> list[dict[str, Any]]:
        """The tool calls that the caller has to get, with the real values."""
        call = self._script.partition(CALL_BEGINS)[2].removesuffix(CALL_ENDS)
        return [json.loads(self._with_masks(call))] if call else []

    @property
    def _script(self) -> str:
        return str(self.messages[-1]["content"])

    def _with_masks(self, text: str) -> str:
        for value, mask in self.masked.items():
            text = text.replace(value, mask)
        return text


def demo_inputs() -> tuple[DemoInput, ...]:
    """All inputs, in the order in which they are sent."""
    return tuple(_read(name) for name in NAMES)


def _read(name: str) -> DemoInput:
    data = pkgutil.get_data(__package__ or "", f"demo_inputs/{name}.json")
    if data is None:
        raise FileNotFoundError(name)
    fields = json.loads(data)
    for listed in ("private", "messages", "tools"):
        fields[listed] = tuple(fields[listed])
    return DemoInput(name=name, **fields)
