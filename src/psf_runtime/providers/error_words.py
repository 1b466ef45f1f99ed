"""The vendors' own words for failures, each with what it means: a closed table.

Sources: the error pages of OpenAI, Anthropic, Azure OpenAI, Amazon Bedrock, Groq and Mistral, the type definitions of
their SDKs, and the source of llama.cpp, llama-cpp-python and vLLM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from psf_runtime.errors import (
    AuthenticationError,
    ContextLengthError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A kind of failure: the class that says it, whether the same call may be sent again, one sentence, a remedy."""

    kind: str
    error: type[ProviderError]
    retry_safe: bool | None
    what: str
    change: str = ""


CONTEXT = Meaning(
    "context_length",
    ContextLengthError,
    False,
    "the request is longer than the model's window",
    "send less, or use a model with a larger window",
)
QUOTA = Meaning(
    "quota_exhausted",
    RateLimitError,
    False,
    "the account's quota is used up",
    "raise the quota, or use another target: waiting does not help",
)
RATE = Meaning("rate_limited", RateLimitError, True, "the provider got too many calls")
AUTH = Meaning(
    "auth", AuthenticationError, False, "the provider did not accept the key", "check the key and what it may do"
)
EXPIRED = replace(
    AUTH, what="the credentials are no longer valid", change="renew them: sign in again, or make new temporary ones"
)
SIGNATURE = replace(
    AUTH,
    what="the provider did not accept the signature of the call",
    change="check the secret key and the region, and that this machine's clock is right",
)
CLOCK = replace(
    AUTH,
    what="the clock of this machine differs too much from the provider's",
    change="set the clock by NTP: a signature is valid for a few minutes only",
)
NOT_FOUND = Meaning(
    "not_found", ProviderError, False, "the provider does not know this model or path", "check the model and base_url"
)
RETIRED = Meaning(
    "model_retired",
    ProviderError,
    False,
    "the provider no longer serves this model",
    "name its successor in the target, and evaluate it before it takes traffic",
)
FILTER = Meaning("content_filter", ProviderError, False, "the provider's own filter refused the request")
BAD_REQUEST = Meaning("bad_request", ProviderError, False, "the provider did not understand the request")
TOO_LARGE = replace(BAD_REQUEST, what="the request has too many bytes for the provider", change="send less")
TIMEOUT = Meaning("timeout", ProviderTimeout, True, "the provider gave up waiting")
OVERLOADED = Meaning("overloaded", ProviderError, True, "the provider is overloaded")
NOT_READY = replace(OVERLOADED, what="the model is not ready yet", change="wait, or use another target meanwhile")
SERVER = Meaning("server_error", ProviderError, True, "the provider failed")
# Some servers answer a wrong request like a failure of their own: asking again could go on for ever.
SERVER_OR_REQUEST = replace(SERVER, retry_safe=None)
BAD_RESPONSE = Meaning("bad_response", ProviderError, False, "the provider's answer makes no sense")
# What the model wrote did not fit the tool or the schema, and the server noticed: another try may go well.
BAD_OUTPUT = replace(BAD_RESPONSE, retry_safe=True, what="the model's output did not fit what was asked of it")

BY_CODE: Mapping[str, Meaning] = {
    # a full window
    "context_length_exceeded": CONTEXT,
    "exceed_context_size_error": CONTEXT,
    "string_above_max_length": CONTEXT,
    # money and quota
    "billing_error": QUOTA,
    "billing_hard_limit_reached": QUOTA,
    "billing_not_active": QUOTA,
    "contract_spend_limit_reached": QUOTA,
    "enforced_spend_limit_reached": QUOTA,
    "insufficient_quota": QUOTA,
    "linked_organization_billing_unavailable": QUOTA,
    "linked_organization_spend_limit_reached": QUOTA,
    "service_quota_exceeded_exception": QUOTA,
    # too many calls
    "rate_limit_error": RATE,
    "rate_limit_exceeded": RATE,
    "ramp_limit_exceeded": RATE,
    "requests": RATE,
    "throttling_exception": RATE,
    "tokens": RATE,
    "too_many_requests_exception": RATE,
    # who asks
    "access_denied_exception": AUTH,
    "account_deactivated": AUTH,
    "authentication_error": AUTH,
    "expired_token_exception": EXPIRED,
    "incomplete_signature_exception": SIGNATURE,
    "invalid_api_key": AUTH,
    "invalid_organization": AUTH,
    "invalid_signature_exception": SIGNATURE,
    "organization_on_hold": AUTH,
    "missing_authentication_token_exception": AUTH,
    "permission_error": AUTH,
    "request_time_too_skewed": CLOCK,
    "unrecognized_client_exception": AUTH,
    "unsupported_country_region_territory": AUTH,
    # what is asked for is not there
    "deployment_not_found": NOT_FOUND,
    "invalid_model": NOT_FOUND,
    "model_not_found": NOT_FOUND,
    "not_found_error": NOT_FOUND,
    "not_supported_error": NOT_FOUND,
    "resource_not_found_exception": NOT_FOUND,
    "unknown_operation_exception": NOT_FOUND,
    "model_decommissioned": RETIRED,
    "model_deprecated": RETIRED,
    "model_retired": RETIRED,
    # the vendor's own filter
    "bio_policy": FILTER,
    "content_filter": FILTER,
    "content_policy_violation": FILTER,
    "image_content_policy_violation": FILTER,
    "invalid_prompt": FILTER,
    "misalignment_policy_violation": FILTER,
    "moderation_blocked": FILTER,
    "responsible_ai_policy_violation": FILTER,
    # the request
    "bad_request_error": BAD_REQUEST,
    "data_residency_mismatch": BAD_REQUEST,
    "empty_image_file": BAD_REQUEST,
    "failed_to_download_image": BAD_REQUEST,
    "image_dimensions_too_large": TOO_LARGE,
    "image_file_not_found": BAD_REQUEST,
    "image_file_too_large": TOO_LARGE,
    "image_parse_error": BAD_REQUEST,
    "image_too_large": TOO_LARGE,
    "image_too_small": BAD_REQUEST,
    "invalid_base64_image": BAD_REQUEST,
    "invalid_image": BAD_REQUEST,
    "invalid_image_format": BAD_REQUEST,
    "invalid_image_mode": BAD_REQUEST,
    "invalid_image_url": BAD_REQUEST,
    "invalid_request_error": BAD_REQUEST,
    "request_too_large": TOO_LARGE,
    "unsupported_image_media_type": BAD_REQUEST,
    "validation_exception": BAD_REQUEST,
    # the provider
    "timeout_error": TIMEOUT,
    "model_timeout_exception": TIMEOUT,
    "vector_store_timeout": TIMEOUT,
    "engine_overloaded": OVERLOADED,
    "model_not_ready_exception": NOT_READY,
    "overloaded_error": OVERLOADED,
    "service_tier_capacity_exceeded": OVERLOADED,
    "service_unavailable": OVERLOADED,
    "service_unavailable_exception": OVERLOADED,
    "slow_down": OVERLOADED,
    "unavailable_error": NOT_READY,
    "api_error": SERVER,
    "internal_error": SERVER,
    "internal_server_error": SERVER,
    "internal_server_exception": SERVER,
    "model_error_exception": SERVER,
    "model_stream_error_exception": SERVER,
    "server_error": SERVER,
    # the model
    "json_validate_failed": BAD_OUTPUT,
    "tool_use_failed": BAD_OUTPUT,
}

# All codes of an answer together, where one alone would say less. llama-cpp-python says this of every wrong request.
BY_CODES: Mapping[tuple[str, ...], Meaning] = {("internal_server_error",): SERVER_OR_REQUEST}

BY_STATUS: Mapping[int, Meaning] = {
    401: AUTH,
    402: QUOTA,
    403: AUTH,
    404: NOT_FOUND,
    405: NOT_FOUND,
    408: TIMEOUT,
    410: RETIRED,
    413: TOO_LARGE,
    424: SERVER,
    429: RATE,
    501: NOT_FOUND,
    503: OVERLOADED,
    504: TIMEOUT,
    522: TIMEOUT,
    524: TIMEOUT,
    529: OVERLOADED,
}

# What a code may make of a status that speaks for itself: a 401 stays one whatever its body says.
FIRM: Mapping[int, frozenset[str]] = {
    401: frozenset({"auth"}),
    402: frozenset({"quota_exhausted"}),
    403: frozenset({"auth", "content_filter", "model_retired", "quota_exhausted"}),
    404: frozenset({"model_retired", "not_found"}),
    405: frozenset({"not_found"}),
    410: frozenset({"model_retired"}),
    413: frozenset({"bad_request", "context_length"}),
    429: frozenset({"overloaded", "quota_exhausted", "rate_limited"}),
}

# Names in capitals and small letters, as AWS, Azure and vLLM write them, in our spelling. One that is not here is
# not shown, since nobody checked what it could hold.
NAMES: Mapping[str, str] = {
    "AccessDeniedException": "access_denied_exception",
    "BadRequestError": "bad_request_error",
    "DeploymentNotFound": "deployment_not_found",
    "ExpiredTokenException": "expired_token_exception",
    "IncompleteSignatureException": "incomplete_signature_exception",
    "InternalServerError": "internal_server_error",
    "InternalServerException": "internal_server_exception",
    "InvalidSignatureException": "invalid_signature_exception",
    "MissingAuthenticationTokenException": "missing_authentication_token_exception",
    "ModelErrorException": "model_error_exception",
    "ModelNotReadyException": "model_not_ready_exception",
    "ModelStreamErrorException": "model_stream_error_exception",
    "ModelTimeoutException": "model_timeout_exception",
    "NotFoundError": "not_found_error",
    "RequestTimeTooSkewed": "request_time_too_skewed",
    "ResourceNotFoundException": "resource_not_found_exception",
    "ResponsibleAIPolicyViolation": "responsible_ai_policy_violation",
    "ServiceQuotaExceededException": "service_quota_exceeded_exception",
    "ServiceUnavailableException": "service_unavailable_exception",
    "ThrottlingException": "throttling_exception",
    "TooManyRequestsException": "too_many_requests_exception",
    "UnknownOperationException": "unknown_operation_exception",
    "UnrecognizedClientException": "unrecognized_client_exception",
    "ValidationException": "validation_exception",
}
