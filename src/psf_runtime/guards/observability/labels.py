"""Closed sets for all that a model or a vendor chooses and that becomes a label: what is not in them is `other`."""

from __future__ import annotations

import re
from typing import get_args

from psf_runtime.errors import (
    ApprovalDenied,
    ApprovalPending,
    AuthenticationError,
    Blocked,
    BudgetExceeded,
    ConfigError,
    ConsentDenied,
    ContextLengthError,
    ContractViolation,
    GuardError,
    Halted,
    ModelRefused,
    NotEligible,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    RoutesExhausted,
    StateError,
    StreamInterrupted,
    TapeDiverged,
)
from psf_runtime.types.response_head import FinishReason

OTHER = "other"
_FINISHES = frozenset(get_args(FinishReason))
_ERRORS = frozenset(
    error.__name__
    for error in (
        ApprovalDenied,
        ApprovalPending,
        AuthenticationError,
        Blocked,
        BudgetExceeded,
        ConfigError,
        ConsentDenied,
        ContextLengthError,
        ContractViolation,
        GuardError,
        Halted,
        ModelRefused,
        NotEligible,
        ProviderError,
        ProviderTimeout,
        RateLimitError,
        RoutesExhausted,
        StateError,
        StreamInterrupted,
        TapeDiverged,
    )
)
_KINDS = frozenset(
    (
        "connection",
        "timeout",
        "deadline_exceeded",
        "server_error",
        "overloaded",
        "rate_limited",
        "quota_exhausted",
        "auth",
        "not_found",
        "context_length",
        "content_filter",
        "bad_request",
        "bad_response",
        "stream_interrupted",
    )
)
# Our provider prefix -> the name that the OpenTelemetry conventions give it (`gen_ai.provider.name`).
_PROVIDERS = {
    "openai": "openai",
    "openai-responses": "openai",
    "azure": "azure.ai.openai",
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "local": "local",
    "mock": "mock",
}
_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})")


def finish_label(finish: str) -> str:
    """The finish reason, from the closed set."""
    return finish if finish in _FINISHES else OTHER


def error_label(error: BaseException) -> str:
    """The name of the nearest error class of ours."""
    for cls in type(error).__mro__:
        if cls.__name__ in _ERRORS and cls.__module__ == "psf_runtime.errors":
            return cls.__name__
    return OTHER


def kind_label(error: BaseException) -> str | None:
    """The kind of a provider error, from the closed set; None for other errors."""
    if not isinstance(error, ProviderError):
        return None
    return error.kind if error.kind in _KINDS else OTHER


def provider_label(provider: str) -> str:
    """The provider's name in the OpenTelemetry conventions."""
    return _PROVIDERS.get(provider, OTHER)


def answered_label(answered: str, asked: str) -> str:
    """The model that answered, when it is the one that was asked, dated or not; else `other`: a vendor writes it."""
    if not answered or not asked:
        return OTHER
    if answered == asked:
        return answered
    dated = answered.startswith(asked) and _DATE.fullmatch(answered[len(asked) :])
    return answered if dated else OTHER
