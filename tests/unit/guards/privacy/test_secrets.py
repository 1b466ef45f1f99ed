"""SecretAnswers: a secret in an answer stops it before the first character of the secret is out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import Blocked
from psf_runtime.guards.privacy import SecretAnswers
from psf_runtime.types.chunks import Chunk, TextDelta, ToolCallDelta
from psf_runtime.types.context import Context
from tests.unit.guards.privacy.driving import answered, cut

SECRETS = [
    "AKIAABCDEFGHIJKLMNOP",
    "sk-proj-" + "abcd1234" * 30,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123",
    "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIB" * 100 + "\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
]


def delivered(pieces: list[str]) -> tuple[str, bool]:
    """What went out, and whether the answer was stopped."""
    session = SecretAnswers().open(Context("call-1"))
    out: list[Chunk] = []
    try:
        for piece in pieces:
            result = session.on_chunk(TextDelta(piece))
            if isinstance(result, TextDelta):
                out.append(result)
        out.extend(session.on_end())
    except Blocked:
        return "".join(chunk.text for chunk in out if isinstance(chunk, TextDelta)), True
    return "".join(chunk.text for chunk in out if isinstance(chunk, TextDelta)), False


@pytest.mark.parametrize("secret", SECRETS)
@settings(max_examples=20, deadline=None)
@given(
    before=st.text(alphabet="ab \n.", max_size=300),
    after=st.sampled_from(["", " and more", ".\n" * 200]),
    cuts=st.lists(st.integers(0, 900), max_size=12),
)
def test_no_character_of_a_secret_is_delivered(secret: str, before: str, after: str, cuts: list[int]) -> None:
    """However it is cut, the answer is stopped, and what went out is a beginning of what stands before the secret."""
    text = f"{before} {secret}{after}"
    out, stopped = delivered(cut(text, cuts))

    assert stopped
    assert f"{before} ".startswith(out)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=600), st.lists(st.integers(0, 600), max_size=12))
def test_other_answers_pass_unchanged(text: str, cuts: list[int]) -> None:
    """Text without a secret comes out as it was, however it is cut."""
    assert (text, False) == delivered(cut(text, cuts))


def test_an_example_of_an_assignment_is_no_secret() -> None:
    """Code that assigns a password is an example, and a shape that goes on into a word is none."""
    text = 'password = "hunter2"; AKIAABCDEFGHIJKLMNOPqrst'

    assert (text, False) == delivered(list(text))


def test_the_error_holds_no_secret() -> None:
    """The error and its finding say what it is, never what it was; tool arguments are looked at, too."""
    context = Context("call-1")
    session = SecretAnswers().open(context)
    chunks = [ToolCallDelta(0, "1", "t", '{"k": "AKIAABCDEF'), ToolCallDelta(0, arguments='GHIJKLMNOP"}')]
    with pytest.raises(Blocked) as info:
        answered(session, chunks)

    assert "AKIA" not in str(info.value) + repr(info.value.findings)
    assert [finding.kind for finding in context.findings] == ["SECRET"]
