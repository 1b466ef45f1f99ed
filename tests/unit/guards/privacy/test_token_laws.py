"""Round trips and streams, for any text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.ports import Detection
from psf_runtime.types.messages import Message, Text, ToolCall
from psf_runtime.types.request import Request
from tests.unit.guards.privacy.driving import EMAIL, Exchange

KEY = "sk-proj-" + "abcd1234" * 4


_PIECES = st.sampled_from(
    [
        EMAIL, "bob@example.com", "+1 202 555 0143", "EMAIL_ABCD1234", "PHONE_", "email: ", "[", "]", "<<", ">>", "{",
        "}", " ", "\n", "_", "-", ":", "x", "Zoë", "人", "%5F", "\\_", "10.1.2.3", "JANE.DOE@example.com", "MAC",
        "ABCDE", "Dear Bob Stone,\n", "E\u0301", "\u200b", "ß", "İ", '"', "\\", "078-05-1120", "A1B2C3D4",
    ]
)  # fmt: skip
_TEXTS = st.lists(_PIECES | st.text(alphabet=st.characters(exclude_characters="`<=/"), max_size=8), max_size=12).map(
    "".join
)


def _plain(text: str) -> bool:
    """Without URLs and code, where nothing is restored on purpose, and without what is masked for good."""
    lowered = text.lower()
    return not any(
        sign in lowered for sign in ("`", "~~~", "](", "mailto:", "tel:", "www.", "://", "data:", "sip:", "sms:")
    )


@settings(max_examples=300, deadline=None)
@given(_TEXTS.filter(_plain), st.lists(st.integers(0, 400), max_size=12))
def test_round_trip_for_any_text_and_cut(text: str, cuts: list[int]) -> None:
    """restore(tokenise(x)) == x, and no detected value is in what leaves."""
    actions = {"SECRET": "token", "CREDIT_CARD": "token", "URL_CREDENTIALS": "token"}
    exchange = Exchange(text, actions=actions)

    assert text == exchange.says(exchange.text, cuts=cuts)
    assert exchange.sent.stamp.find_leak(exchange.text.encode("utf-8", "surrogatepass")) is None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_stream_cut_anywhere_equals_the_whole(data: st.DataObject) -> None:
    """However the model's text is cut, mangled tokens, links and code included, the result is the same."""

    def heard(said: str, cuts: Sequence[int] = ()) -> str:
        return Exchange(request).says(said, cuts=cuts)

    request = f"{EMAIL} bob@example.com +1 202 555 0143 <{EMAIL}>"
    tokens = Exchange(request).text.split()
    codes = [token.rpartition("_")[2] for token in tokens[:3]]
    piece = st.sampled_from(
        [
            *tokens, *codes, "EMAIL", "email: ", "phone ", "Personne_", "[", "]", "<", ">", "`", "```\n", "\n", " ",
            ".", "https://x.example/", "](", ")", "<a href=", "word ", "longword" * 12, "_", "\\_", "%5F", "-", "人",
            "x",
        ]
    )  # fmt: skip
    said = "".join(data.draw(st.lists(piece, max_size=25)))
    cuts = data.draw(st.lists(st.integers(0, 600), max_size=30))

    whole = heard(said)

    assert whole == heard(said, cuts)
    assert whole == heard(said, range(len(said)))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_TEXTS, _JSON, max_size=3))
def test_whole_fields_come_back_at_any_depth(value: dict[str, object]) -> None:
    """Tool arguments of any nesting that are echoed come back with every whole value restored."""
    assistant = Message("assistant", (ToolCall("1", "t", json.dumps(value)),))
    exchange = Exchange(Request((Message.user("hi"), assistant)), detectors=[_WholeValues()])
    echoed = exchange.calls("t", exchange.sent.messages[1].tool_calls[0].args)

    assert value == json.loads(echoed)


class _WholeValues:
    """Every text that holds an address is personal data, whole."""

    name = "whole"
    entities = frozenset({"PERSON"})

    def find(self, text: str) -> list[Detection]:
        return [Detection(0, len(text), "PERSON")] if "@" in text else []


def test_parts_side_by_side_hide_nothing() -> None:
    """A value that only one part shows, and one that only both show, are both replaced."""
    exchange = Exchange(
        Request((Message.user("mail jane.doe@exam", "ple.com", " call +1 202 555 0143", "99999 items"),))
    )
    wire = "".join(part.text for part in exchange.sent.messages[0].parts if isinstance(part, Text))

    assert "jane" not in wire
    assert "202" not in wire
