"""What a provider's answer means: the whole map, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import (
    AuthenticationError,
    ContextLengthError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
)
from psf_runtime.providers.errors import provider_error, retry_after, vendor_codes

TABLE: list[tuple[int, Any, type[ProviderError], str, bool]] = [
    (400, {"error": {"code": "context_length_exceeded"}}, ContextLengthError, "context_length", False),
    (400, {"error": {"code": 400, "type": "exceed_context_size_error"}}, ContextLengthError, "context_length", False),
    (500, {"error": {"code": "context_length_exceeded"}}, ContextLengthError, "context_length", False),
    (400, {"error": {"code": "content_filter"}}, ProviderError, "content_filter", False),
    (400, {"error": {"type": "invalid_request_error"}}, ProviderError, "bad_request", False),
    (400, None, ProviderError, "bad_request", False),
    (422, {"detail": []}, ProviderError, "bad_request", False),
    (401, {"error": {"code": "server_error"}}, AuthenticationError, "auth", False),
    (403, "text", AuthenticationError, "auth", False),
    (402, None, RateLimitError, "quota_exhausted", False),
    (404, {"error": {"code": "model_not_found"}}, ProviderError, "not_found", False),
    (405, {}, ProviderError, "not_found", False),
    (501, None, ProviderError, "not_found", False),
    (408, None, ProviderTimeout, "timeout", True),
    (504, None, ProviderTimeout, "timeout", True),
    (429, None, RateLimitError, "rate_limited", True),
    (429, {"error": {"code": "insufficient_quota"}}, RateLimitError, "quota_exhausted", False),
    (429, {"error": {"type": "insufficient_quota", "code": None}}, RateLimitError, "quota_exhausted", False),
    (429, {"error": {"type": "server_error"}}, RateLimitError, "rate_limited", True),
    (500, None, ProviderError, "server_error", True),
    (500, {"error": {"type": "invalid_request_error"}}, ProviderError, "bad_request", False),
    (502, [], ProviderError, "server_error", True),
    (503, None, ProviderError, "overloaded", True),
    (529, {"error": {"type": "overloaded_error"}}, ProviderError, "overloaded", True),
    (200, {"error": {"code": 429}}, RateLimitError, "rate_limited", True),
    (200, {"error": {"code": "500"}}, ProviderError, "server_error", True),
    (200, {"error": {"message": "?"}}, ProviderError, "server_error", True),
    (200, {"error": {"type": "overloaded_error"}}, ProviderError, "overloaded", True),
    (302, None, ProviderError, "bad_response", False),
]


@pytest.mark.parametrize(("status", "body", "cls", "kind", "again"), TABLE)
def test_the_map(status: int, body: Any, cls: type[ProviderError], kind: str, again: bool) -> None:
    """Class, kind and whether the same call may be sent again, from status and code alone."""
    error = provider_error(status, {}, body, target="t")
    assert (type(error), error.kind, error.retry_safe) == (cls, kind, again)
    assert (error.status, error.target) == (status, "t")


def test_nothing_of_a_message_is_copied() -> None:
    """The message is not looked at; a code is shown only when it looks like a code."""
    body = {"error": {"message": "CANARY one", "code": "CANARY two", "type": "a_type", "param": "CANARY three"}}
    error = provider_error(400, {}, body, target="t")
    assert "CANARY" not in str(error)
    assert error.why == "the provider's code is a_type"


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        ({"code": "a" * 64}, ("a" * 64,)),
        ({"code": "a" * 65}, ()),
        ({"code": "A"}, ()),
        ({"code": "a b"}, ()),
        ({"code": True}, ()),
        ({"code": -1}, ()),
        ({"code": 400, "type": "x_1"}, ("400", "x_1")),
        (["x"], ()),
    ],
)
def test_what_a_code_looks_like(error: Any, codes: tuple[str, ...]) -> None:
    """Lower-case letters, digits and underscores, at most 64."""
    assert vendor_codes({"error": error}) == codes


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "999999999"}, 86_400.0),
        ({"retry-after-ms": "nan", "retry-after": "3"}, 3.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date; nonsense is nothing, and nobody makes us wait longer than a day."""
    assert retry_after(headers, now=100.0) == seconds
