"""The table of what each kind of error allows."""

from __future__ import annotations

import pytest

from psf_runtime.guards.resilience import ERROR_ACTIONS, action_for


def test_every_kind_that_the_errors_document_is_in_the_table():
    """The closed set of ProviderError.kind, and the deadline of the whole call."""
    kinds = (
        "connection timeout server_error overloaded rate_limited quota_exhausted auth not_found model_retired "
        "context_length content_filter bad_request bad_response stream_interrupted deadline_exceeded"
    )
    assert set(kinds.split()) == set(ERROR_ACTIONS)


def test_an_unknown_kind_allows_nothing():
    """Neither a retry nor another target."""
    action = action_for("something new")
    assert (action.retry, action.fallback, action.breaker) == (False, "no", "neutral")


@pytest.mark.parametrize("kind", ["auth", "model_retired", "not_found", "quota_exhausted"])
def test_what_waiting_does_not_mend_goes_elsewhere(kind: str):
    """Another target may be asked, the same one is not asked again."""
    action = action_for(kind)
    assert (action.retry, action.fallback) == (False, "yes")


@pytest.mark.parametrize("kind", ["content_filter", "bad_request"])
def test_a_safety_control_is_not_walked_around(kind: str):
    """No other model is asked what one declined."""
    assert action_for(kind).fallback == "no"


def test_the_table_cannot_be_changed():
    """It is behaviour, not state."""
    with pytest.raises(TypeError):
        ERROR_ACTIONS["auth"] = action_for("timeout")  # type: ignore[index]
