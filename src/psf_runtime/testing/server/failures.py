"""A failure as each dialect words it: status, codes, and a message that holds nothing of the request."""

from __future__ import annotations

from dataclasses import dataclass

from psf_runtime.errors import ConfigError, ProviderError
from psf_runtime.providers.mock.replies import ErrorFault


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure.

    Attributes:
        status: HTTP status for OpenAI and Bedrock; `anthropic_status`: Anthropic has one of its own for some.
        openai, anthropic, bedrock: its code in each dialect.
        message: what happened, in words of ours.
        retry_after: seconds that the client is asked to wait.
        final: asking again gives the same.
    """

    status: int
    openai: str
    anthropic: str
    bedrock: str
    message: str
    retry_after: float | None = None
    final: bool = False
    anthropic_status: int | None = None

    def status_for(self, family: str) -> int:
        """The HTTP status in a family of dialects."""
        return self.anthropic_status if family == "anthropic" and self.anthropic_status else self.status


RATE = Failure(429, "rate_limit_exceeded", "rate_limit_error", "ThrottlingException", "too many calls")
SERVER = Failure(500, "server_error", "api_error", "InternalServerException", "the provider failed")
OVERLOADED = Failure(
    503,
    "service_unavailable",
    "overloaded_error",
    "ServiceUnavailableException",
    "the provider has no capacity now",
    anthropic_status=529,
)
AUTH = Failure(401, "invalid_api_key", "authentication_error", "UnrecognizedClientException", "the key is not accepted")
REFUSED = Failure(400, "invalid_request_error", "invalid_request_error", "ValidationException", "", final=True)
NOT_FOUND = Failure(404, "not_found_error", "not_found_error", "UnknownOperationException", "", final=True)
TOO_LARGE = Failure(413, "request_too_large", "request_too_large", "ValidationException", "the body is too large")
CONTEXT = Failure(
    400,
    "context_length_exceeded",
    "invalid_request_error",
    "ValidationException",
    "the request is longer than the model's window",
)

_BY_KIND = {
    "auth": AUTH,
    "context_length": CONTEXT,
    "overloaded": OVERLOADED,
    "quota_exhausted": Failure(
        429, "insufficient_quota", "billing_error", "ServiceQuotaExceededException", "the quota is used up", final=True
    ),
    "rate_limited": RATE,
}


def failure_of(ending: object) -> Failure:
    """The failure that a reply stands for: a fault, an error to raise, or a mistake in the test."""
    if isinstance(ending, ErrorFault):
        return _of_fault(ending)
    if isinstance(ending, ConfigError):
        return _worded(REFUSED, str(ending))
    if isinstance(ending, ProviderError):
        return _worded(_BY_KIND.get(ending.kind, SERVER), ending.what, ending.retry_after)
    return _worded(SERVER, f"the mock was told to raise {type(ending).__name__}")


def _of_fault(fault: ErrorFault) -> Failure:
    status = fault.status or 500
    known = {429: RATE, 503: OVERLOADED}.get(status, SERVER)
    return _worded(known, known.message, fault.retry_after, status=status)


def _worded(failure: Failure, message: str, retry_after: float | None = None, *, status: int | None = None) -> Failure:
    return Failure(
        status or failure.status,
        failure.openai,
        failure.anthropic,
        failure.bedrock,
        message,
        retry_after,
        failure.final,
        failure.anthropic_status,
    )


def refused(message: str) -> Failure:
    """A request that is not understood."""
    return _worded(REFUSED, message)


def not_found(message: str) -> Failure:
    """A path that is not served."""
    return _worded(NOT_FOUND, message)
