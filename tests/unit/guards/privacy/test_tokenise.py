"""Tokenise: what leaves, what comes back, and what never leaves."""

from __future__ import annotations

import pytest

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.guards.privacy import Builtin, Tokenise, strictest
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.types.media import Image
from psf_runtime.types.messages import Message, ToolCall, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.verdict import Block
from tests.unit.guards.privacy.driving import EMAIL, Exchange, Words, drive, told

KEY = "sk-proj-" + "abcd1234" * 4


def test_values_leave_as_tokens_and_come_back() -> None:
    """The provider sees tokens, the caller values; the context counts them and holds no value."""
    exchange = Exchange(f"Tell {EMAIL} (+1 202 555 0143) that her refund is on its way.")

    assert EMAIL not in exchange.text
    assert "202" not in exchange.text
    assert exchange.request.messages[0].text == exchange.says(exchange.text)
    assert exchange.context.tokens == {"EMAIL": 1, "PHONE": 1}
    assert sorted(exchange.kinds()) == ["EMAIL", "PHONE"]
    assert EMAIL not in repr(exchange.context)


def test_the_demonstration_token_has_its_shape() -> None:
    """A token is its entity and eight characters."""
    token = Exchange(EMAIL).text

    assert token.startswith("EMAIL_")
    assert len("EMAIL_M2T9AX4K") == len(token)


def test_secrets_and_cards_never_come_back() -> None:
    """A secret leaves as `[secret]`, a card as its last four; neither is kept or restored."""
    exchange = Exchange(f"card 4111 1111 1111 1111, password: hunter2, {KEY}, https://a:pw@x.example")

    assert exchange.text == "card [card ...1111], password: [secret], [secret], https://[secret]@x.example"
    assert exchange.text == exchange.says(exchange.text)
    assert exchange.context.tokens == {}
    assert exchange.vault.known("default", exchange.context.shared["privacy.conversation"]) == {}
    assert len(exchange.kinds("privacy.secrets")) == 3


def test_actions_are_followed() -> None:
    """allow lets through, hash and mask are final, and a table of several recipients is the strictest of them."""
    text = f"{EMAIL} 10.1.2.3 +1 202 555 0143"
    exchange = Exchange(text, actions={"EMAIL": "allow", "IP": "mask", "PHONE": "hash"})
    email, address, *phone = exchange.text.split(" ")

    assert [email, address] == [EMAIL, "[ip]"]
    assert phone[0] == "[phone"
    assert exchange.text == exchange.says(exchange.text)
    assert strictest({"EMAIL": "allow"}, {"IP": "block"}) == {"EMAIL": "token", "IP": "block"}
    assert strictest({"SECRET": "allow"}, {})["SECRET"] == "mask"


def test_an_entity_that_may_not_leave_stops_the_call() -> None:
    """`block` is a Block that names the entity and not the value; nothing is stored."""
    exchange = Exchange(f"to {EMAIL}", actions={"EMAIL": "block"})

    assert isinstance(exchange.sent, Block)
    assert "EMAIL" in exchange.sent.reason
    assert EMAIL not in exchange.sent.reason
    assert exchange.vault.known("default", exchange.context.shared["privacy.conversation"]) == {}


def test_wrong_settings_are_refused() -> None:
    """An unknown action, no detector or no key is a ConfigError."""
    vault = MemoryVault()
    with pytest.raises(ConfigError) as info:
        Tokenise(vault=vault, detectors=[Builtin()], key=b"k", actions={"EMAIL": "shred"})
    with pytest.raises(ConfigError):
        Tokenise(vault=vault, detectors=[], key=b"k")
    with pytest.raises(ConfigError):
        Tokenise(vault=vault, detectors=[Builtin()], key=b"")

    assert "privacy.actions.EMAIL" in str(info.value)


def test_the_stamp_says_what_was_done() -> None:
    """The profile on the request tells whether a recipient that asks for more may have it."""
    exchange = Exchange(EMAIL, actions={"EMAIL": "token"})
    profile = exchange.sent.stamp.profile

    assert (profile["EMAIL"], profile["SECRET"], profile["CREDIT_CARD"]) == ("token", "mask", "mask")
    assert "jane" not in repr(exchange.sent.stamp)


# -- known values first


def test_a_value_known_from_an_earlier_turn_is_replaced_although_nobody_detects_it() -> None:
    """A name found once stays hidden: in history, tool results, other cases, as a key, and in a re-ask."""
    vault = MemoryVault(b"v" * 32)
    first = Exchange(
        told("I am Carol Dent", conversation="c"), vault=vault, detectors=[Words({"Carol Dent": "PERSON"})]
    )
    token = first.text.removeprefix("I am ")
    later = (
        Message.system("You talk to carol dent."),
        Message.assistant("Hello Carol Dent"),
        Message("assistant", (ToolCall("1", "find", '{"CAROL DENT": "Ｃarol Dent"}'),)),
        Message("tool", (ToolResult("1", "found: Carol\u200b Dent"),)),
        Message.user("yes, Carol Dent."),
    )
    facts = told("", conversation="c").facts
    second = Exchange(Request(later, facts=facts), vault=vault, detectors=[Words({})])

    assert f"Hello {token}" == second.sent.messages[1].text
    wire = "\n".join(
        part.args if isinstance(part, ToolCall) else part.text
        for message in second.sent.messages
        for part in message.parts
    )
    assert "dent" not in wire.lower()
    assert "carol" not in wire.lower()


def test_a_value_found_in_one_leaf_is_replaced_in_all() -> None:
    """What a greeting gives away is hidden further down, too; words that only contain it stay."""
    exchange = Exchange("Dear Mark,\nyour claim. Regards to Mark and to Marketing.")

    assert "Mark " not in exchange.text
    assert "Marketing" in exchange.text
    assert exchange.sent.stamp.find_leak(exchange.text.encode()) is None


def test_conversations_do_not_know_each_other() -> None:
    """A value of another conversation or tenant is neither replaced nor restored."""
    vault = MemoryVault(b"v" * 32)
    token = Exchange(told(EMAIL, conversation="one"), vault=vault).text
    other = Exchange(told("hello", conversation="two"), vault=vault)
    tenant = Exchange(told("hello", conversation="one", tenant="b"), vault=vault)

    assert token == other.says(token)
    assert token == tenant.says(token)


def test_a_conversation_without_a_name_keeps_its_tokens_over_turns() -> None:
    """Resent history gets the same tokens; another first message is another conversation."""
    vault = MemoryVault(b"v" * 32)
    first = Exchange(Request((Message.user(f"I am {EMAIL}"),)), vault=vault)
    history = (Message.user(f"I am {EMAIL}"), Message.assistant("hi"), Message.user(f"still {EMAIL}"))
    second = Exchange(Request(history), vault=vault)
    other = Exchange(f"you are {EMAIL}", vault=vault)

    assert first.text == second.sent.messages[0].text
    assert first.text.split()[-1] == second.text.split()[-1]
    assert first.text.split()[-1] != other.text.split()[-1]
    assert EMAIL not in first.context.shared["privacy.conversation"]


# -- token-shaped text


def test_a_typed_token_comes_back_as_typed() -> None:
    """Who types another's live token gets the letters back, never the value, in any decoration the restorer knows."""
    vault = MemoryVault(b"v" * 32)
    token = Exchange(told(EMAIL, conversation="c"), vault=vault).text
    code = token.removeprefix("EMAIL_")
    hidden = f"{token[:9]}\u200b{token[9:]}"
    for typed in (token, f"[{token}]", f"email: {code}", f"COURRIEL_{code.lower()}", f"x{token}y", hidden):
        exchange = Exchange(told(f"what is {typed}?", conversation="c"), vault=vault)

        assert code not in exchange.text.replace("\u200b", "").upper()
        assert f"what is {typed}?" == exchange.says(exchange.text)


def test_a_live_token_in_an_assistant_part_stays_and_is_restored() -> None:
    """What models and tools wrote may carry tokens of this conversation, of no other."""
    vault = MemoryVault(b"v" * 32)
    token = Exchange(told(EMAIL, conversation="c"), vault=vault).text
    foreign = Exchange(told(EMAIL, conversation="d"), vault=vault).text
    facts = told("", conversation="c").facts
    history = (Message.assistant(f"wrote to {token} and {foreign}"), Message.user("again"))
    exchange = Exchange(Request(history, facts=facts), vault=vault)

    assert f"wrote to {token} and {foreign}" == exchange.sent.messages[0].text
    assert f"{EMAIL} {foreign}" == exchange.says(f"{token} {foreign}")


def test_what_a_person_typed_stays_text_when_the_answer_comes_round_again() -> None:
    """A token typed by a person, repeated to them, is no live token in the next turn's history."""
    vault = MemoryVault(b"v" * 32)
    token = Exchange(told(EMAIL, conversation="c"), vault=vault).text
    Exchange(told(f"what is {token}", conversation="c"), vault=vault)
    facts = told("", conversation="c").facts
    history = (Message.user(f"what is {token}"), Message.assistant(f"{token} is"), Message.user("so?"))
    exchange = Exchange(Request(history, facts=facts), vault=vault)

    assert token == exchange.says(exchange.sent.messages[1].text.removesuffix(" is"))


def test_invented_tokens_are_left_and_counted_and_many_are_refused() -> None:
    """A code that nobody made restores nothing; an answer full of them is stopped."""
    exchange = Exchange(EMAIL)
    invented = "EMAIL_ABCD1234 PERSON_1 def f(person_1): pass"

    assert invented == exchange.says(invented)
    assert [kind for kind in exchange.kinds() if kind.startswith("token")] == ["token.unknown"]
    guesses = Exchange(EMAIL)
    guesses.says(" ".join(f"EMAIL_ABCD12{number}" for number in range(34, 64)))
    assert isinstance(guesses.session.verdict, Block)  # type: ignore[attr-defined]


# -- around it


def test_what_leaves_uninspected_is_noted() -> None:
    """Pictures are findings of privacy.media, observed."""
    exchange = Exchange(Request((Message.user("see", Image(b"\x89PNG")),)))
    media = [finding for finding in exchange.context.findings if finding.control == "privacy.media"]

    assert [(finding.kind, finding.observed) for finding in media] == [("image", True)]


def test_the_same_findings_are_noted_once() -> None:
    """A re-ask prepares the conversation again and does not count it twice."""
    exchange = Exchange(EMAIL)
    before = list(exchange.context.findings)
    from_again = exchange.guard.open(exchange.context)
    drive(from_again.on_request(exchange.request))

    assert before == exchange.context.findings
    assert exchange.context.tokens == {"EMAIL": 1}


def test_a_preview_keeps_nothing() -> None:
    """Over an ephemeral vault the request is tokenised and the real vault stays empty."""
    real, ephemeral = MemoryVault(), MemoryVault()
    exchange = Exchange(told("hello", conversation="c"), vault=real)
    preview = exchange.guard.with_vault(ephemeral)
    session = preview.open(exchange.context)
    sent = drive(session.on_request(told(EMAIL, conversation="c")))

    assert EMAIL not in sent.messages[0].text
    assert real.known("default", "named:c") == {}
    assert len(ephemeral.known("default", "named:c")) == 1
    assert exchange.guard.vault is real


def test_a_full_vault_stops_the_call() -> None:
    """Too many values in one conversation is a StateError; nothing is sent."""
    with pytest.raises(StateError):
        Exchange(f"{EMAIL} bob@example.com", vault=MemoryVault(max_values=1))


def test_long_requests_are_searched_in_a_thread() -> None:
    """A long text is offloaded, and comes out the same."""
    text = f"to {EMAIL} " + "word " * 5000
    exchange = Exchange(text)

    assert text == exchange.says(exchange.text)
