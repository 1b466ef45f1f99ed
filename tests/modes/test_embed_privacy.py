"""Embed calls under the controls: no personal data on the wire, and one token per value and tenant."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest

from psf_runtime import ApprovalPending, Blocked, Policy, Purpose, facts
from psf_runtime.errors import ConsentDenied, Halted, ProviderError
from psf_runtime.policy import Privacy
from psf_runtime.testing import MockProvider
from psf_runtime.types.canonical import response_from_data, response_to_data
from psf_runtime.types.embeddings import Embeddings
from tests.modes.clients import Mode, assert_absent, client_for, do
from tests.modes.planting import VALUES

FACES: tuple[Mode, ...] = ("complete", "async complete")
both = pytest.mark.parametrize("mode", FACES)
EMAIL = VALUES["EMAIL"]


def token_in(text: str) -> str:
    return next(word for word in text.replace("?", " ").split() if word.startswith("EMAIL_"))


def sent(mock: MockProvider, call: int = -1) -> list[str]:
    return [message.text for message in mock.calls[call].request.messages]


@both
@pytest.mark.parametrize("entity", sorted(VALUES))
def test_no_value_leaves_or_is_logged(mode: Mode, entity: str, caplog: pytest.LogCaptureFixture) -> None:
    """A value in any of the texts is in none of the bytes that leave, nor in logs, records or what comes back."""
    caplog.set_level(logging.DEBUG)
    value = VALUES[entity]
    mock = MockProvider()
    client = client_for(mode, mock)
    answer = do(mode, client.embed, ["nothing here", f"write to {value} today", f"{value}: who is that?"])
    assert len(answer.vectors) == 3
    forms = sorted({value, value.replace(" ", "")})
    assert_absent(forms, mock.last.body, "the bytes on the wire")
    assert_absent(forms, caplog.text, "a log line")
    assert_absent(forms, repr(answer) + repr(answer.decision.to_dict()) + str(answer.decision), "what comes back")
    assert_absent(forms, repr([entry.body for entry in client._core.state.ledger.entries()]), "the decision log")


@both
def test_a_value_has_one_token_in_all_embed_calls_of_a_tenant(mode: Mode) -> None:
    """Whatever the call, the conversation around it and the user: a name in a question meets it in a document."""
    mock = MockProvider("said")
    client = client_for(mode, mock, tenant="acme")
    do(mode, client.embed, ["first", f"write to {EMAIL} today"])
    with facts(conversation="thread-1"):
        do(mode, client.embed, f"where is {EMAIL} ?", user="jo")
    with facts(conversation="thread-2"):
        do(mode, client.embed, f"{EMAIL} again", user="lee", subject="customer:7")
    assert token_in(sent(mock, 0)[1]) == token_in(sent(mock, 1)[0]) == token_in(sent(mock, 2)[0])
    assert sent(mock, 0)[0] == "first"


@both
def test_tenants_and_conversations_do_not_share_tokens(mode: Mode) -> None:
    """Another tenant's token differs, and so does that of a conversation, whose answers are restored."""
    mock = MockProvider("said")
    client = client_for(mode, mock)
    for tenant in ("acme", "other"):
        do(mode, client.embed, f"write to {EMAIL} today", tenant=tenant)
    do(mode, client.complete, f"write to {EMAIL} today", tenant="acme")
    tokens = {token_in(sent(mock, call)[0]) for call in range(3)}
    assert len(tokens) == 3


@both
def test_what_a_tenant_knows_is_replaced_where_no_detector_finds_it(mode: Mode) -> None:
    """A value that one document showed is replaced in every later text, also in another case."""
    mock = MockProvider()
    client = client_for(mode, mock)
    vault = client._core.state.vault
    (token,) = vault.mint("default", "embeddings", [("PERSON", "Zwiebelkönigin")])
    do(mode, client.embed, ["die zwiebelkönigin kam", "niemand"])
    assert_absent(["zwiebelkönigin"], mock.last.body, "the bytes on the wire")
    assert sent(mock)[0].startswith("die PERSON_")
    assert token.startswith("PERSON_")


@both
def test_an_index_may_hold_more_values_than_a_vault(mode: Mode) -> None:
    """What a tenant's embed calls remember is bounded; a value that comes again has the token that it had."""
    mock = MockProvider()
    client = client_for(mode, mock)
    vault = client._core.state.vault
    do(mode, client.embed, f"write to {EMAIL} today")
    before = token_in(sent(mock)[0])
    vault.mint("default", "embeddings", [("EMAIL", f"user{number}@canary-mail.example") for number in range(2_000)])
    full = do(mode, client.embed, "write to user7@canary-mail.example today")
    assert "known.forgotten" in {finding.kind for finding in full.decision.observed}
    assert len(vault.known("default", "embeddings")) == 1
    again = do(mode, client.embed, f"write to {EMAIL} today")
    assert token_in(sent(mock)[0]) == before
    assert "known.forgotten" not in {finding.kind for finding in again.decision.findings}


@both
def test_a_question_finds_the_document_about_the_same_person(mode: Mode) -> None:
    """With tokens in place of addresses, the nearest document is still the right one."""
    client = client_for(mode, MockProvider())
    people = ["ann.moor@canary-mail.example", "bo.lund@canary-mail.example", EMAIL]
    texts = [f"the contract of {person} ends in May" for person in people]
    documents = do(mode, client.embed, texts, dimensions=2048)  # so long that two words are hardly ever alike
    question = do(mode, client.embed, f"when does the contract of {EMAIL} end?", dimensions=2048).vector
    near = [math.fsum(a * b for a, b in zip(question, vector, strict=True)) for vector in documents.vectors]
    assert near.index(max(near)) == 2
    assert sorted(near)[-1] > sorted(near)[-2] + 0.05


@both
def test_the_log_begins_before_and_ends_after(mode: Mode, caplog: pytest.LogCaptureFixture) -> None:
    """Intent, outcome and one record of the operation, its vectors counted and digested."""
    caplog.set_level(logging.INFO, logger="psf_runtime")
    client = client_for(mode, MockProvider())
    do(mode, client.embed, ["a", "b"], dimensions=8)
    assert client._core.state.ledger.orphans() == ()
    line = next(record.getMessage() for record in caplog.records if '"psf.inference"' in record.getMessage())
    assert '"operation": "embed"' in line
    assert '"dimensions": 8' in line
    assert '"output_hash"' in line


@both
def test_the_kill_switch_and_consent_come_first(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is embedded while the switch is on, nor for a purpose without consent."""
    mock = MockProvider()
    policy = Policy(purposes={"news": Purpose(owner="dana@acme.example", lawful_basis="consent")})
    client = client_for(mode, mock, policy=policy)
    with pytest.raises(ConsentDenied):
        do(mode, client.embed, "a", purpose="news", subject="customer:1")
    monkeypatch.setenv("PSF_HALT", "on")
    with pytest.raises(Halted):
        do(mode, client_for(mode, mock).embed, "a")
    assert mock.calls == ()


@both
def test_an_entity_that_may_not_leave_stops_the_call(mode: Mode) -> None:
    """The actions of the policy hold for texts that are embedded."""
    mock = MockProvider()
    client = client_for(mode, mock, policy=Policy(privacy=Privacy(actions={"SECRET": "block"})))
    with pytest.raises(Blocked, match="SECRET"):
        do(mode, client.embed, ["fine", f"key {VALUES['SECRET']}"])
    assert mock.calls == ()


@both
def test_a_person_may_have_to_agree(mode: Mode) -> None:
    """Where every answer of a purpose waits for a person, vectors wait too; `resume` hands them out, asked for once."""
    mock = MockProvider()
    policy = Policy(purposes={"careful": Purpose(owner="dana@acme.example", lawful_basis="contract", autonomy="L0")})
    client = client_for(mode, mock, policy=policy)
    with pytest.raises(ApprovalPending) as pending:
        do(mode, client.embed, ["a cat", "a dog"], purpose="careful", dimensions=8)
    ticket = pending.value.ticket.id
    do(mode, client.tickets.approve, ticket, by="lee@acme.example", reason="looked")
    answer = do(mode, client.resume, ticket)
    assert isinstance(answer, Embeddings)
    assert (len(answer.vectors), answer.dimensions, len(mock.calls)) == (2, 8, 1)


@both
def test_a_persons_words_are_no_vectors(mode: Mode) -> None:
    """Answering in the model's place makes no vectors, so nothing is handed out."""
    policy = Policy(purposes={"careful": Purpose(owner="dana@acme.example", lawful_basis="contract", autonomy="L0")})
    client = client_for(mode, MockProvider(), policy=policy)
    with pytest.raises(ApprovalPending) as pending:
        do(mode, client.embed, "a cat", purpose="careful")
    do(mode, client.tickets.answer, pending.value.ticket.id, "we will call", by="lee@acme.example", reason="looked")
    with pytest.raises(ProviderError, match="one vector per text"):
        do(mode, client.resume, pending.value.ticket.id)


def test_a_tape_keeps_vectors_exactly() -> None:
    """What was recorded is replayed to the last bit."""
    mock = MockProvider()
    client: Any = client_for("complete", mock)
    mock.on(text="b").reply([[0.1, 1 / 3], [1e-300, -0.0]])
    answer = client.embed(["a", "b"])
    response = mock.open(mock.last.request, stream=False, left=None).head()
    again = response_from_data(response_to_data(response))
    assert again.vectors == answer.vectors == ((0.1, 1 / 3), (1e-300, -0.0))
