"""Each class of failure, in the words of each vendor: status, headers and body as they come."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from anthropic.types.shared.error_type import ErrorType
from botocore.loaders import Loader
from openai.types.responses import ResponseError

from psf_runtime.errors import (
    AuthenticationError,
    ContextLengthError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
)
from psf_runtime.guards.resilience import ERROR_ACTIONS
from psf_runtime.providers.error_words import BY_CODE, BY_STATUS, FIRM, NAMES
from psf_runtime.providers.errors import provider_error, vendor_codes

CLASSES: dict[str, type[ProviderError]] = {
    "auth": AuthenticationError,
    "context_length": ContextLengthError,
    "quota_exhausted": RateLimitError,
    "rate_limited": RateLimitError,
    "timeout": ProviderTimeout,
}
AGAIN = {"timeout", "rate_limited", "overloaded", "server_error"}


def openai(code: str | None, kind: str = "invalid_request_error") -> Any:
    return {"error": {"message": "CANARY", "type": kind, "param": "CANARY", "code": code}}


def anthropic(kind: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": "CANARY"}, "request_id": "req_1"}


def detailed(kind: str, code: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": "CANARY", "details": {"error_code": code}}}


def aws(name: str) -> dict[str, str]:
    return {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"}


TABLE: list[tuple[str, int | None, dict[str, str], Any, str]] = [
    # OpenAI
    ("openai", 400, {}, openai("context_length_exceeded"), "context_length"),
    ("openai", 400, {}, openai("invalid_prompt"), "content_filter"),
    ("openai", 400, {}, openai(None), "bad_request"),
    ("openai", 401, {}, openai("invalid_api_key"), "auth"),
    ("openai", 403, {}, openai("unsupported_country_region_territory"), "auth"),
    ("openai", 404, {}, openai("model_not_found"), "not_found"),
    ("openai", 410, {}, openai("model_deprecated"), "model_retired"),
    ("openai", 404, {}, openai("model_deprecated"), "model_retired"),
    ("openai", 429, {}, openai("insufficient_quota", "insufficient_quota"), "quota_exhausted"),
    ("openai", 429, {}, openai("rate_limit_exceeded", "tokens"), "rate_limited"),
    ("openai", 500, {}, openai(None, "server_error"), "server_error"),
    ("openai", 503, {}, openai("slow_down"), "overloaded"),
    ("openai", None, {}, {"code": "server_error", "message": "CANARY"}, "server_error"),
    ("openai", None, {}, {"code": "rate_limit_exceeded", "message": "CANARY"}, "rate_limited"),
    # Azure
    ("azure", 400, {}, {"error": {"code": "content_filter", "innererror": {"code": "CANARY"}}}, "content_filter"),
    ("azure", 400, {}, {"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "content_filter"),
    ("azure", 401, {}, {"error": {"code": "401", "message": "CANARY"}}, "auth"),
    ("azure", 401, {}, {"statusCode": 401, "message": "CANARY"}, "auth"),
    ("azure", 404, {}, {"error": {"code": "DeploymentNotFound", "message": "CANARY"}}, "not_found"),
    ("azure", 429, {"retry-after-ms": "900"}, {"error": {"code": "429", "message": "CANARY"}}, "rate_limited"),
    # Anthropic
    ("anthropic", 400, {}, anthropic("invalid_request_error"), "bad_request"),
    ("anthropic", 401, {}, anthropic("authentication_error"), "auth"),
    ("anthropic", 402, {}, anthropic("billing_error"), "quota_exhausted"),
    ("anthropic", 403, {}, anthropic("billing_error"), "quota_exhausted"),
    ("anthropic", 403, {}, anthropic("permission_error"), "auth"),
    ("anthropic", 404, {}, anthropic("not_found_error"), "not_found"),
    ("anthropic", 413, {}, anthropic("request_too_large"), "bad_request"),
    ("anthropic", 429, {}, anthropic("rate_limit_error"), "rate_limited"),
    ("anthropic", 500, {}, anthropic("api_error"), "server_error"),
    ("anthropic", 504, {}, anthropic("timeout_error"), "timeout"),
    ("anthropic", 529, {}, anthropic("overloaded_error"), "overloaded"),
    ("anthropic", 200, {}, anthropic("overloaded_error"), "overloaded"),
    ("anthropic", 400, {}, detailed("invalid_request_error", "enforced_spend_limit_reached"), "quota_exhausted"),
    ("anthropic", 429, {}, detailed("rate_limit_error", "ramp_limit_exceeded"), "rate_limited"),
    ("anthropic", 403, {}, detailed("permission_error", "organization_on_hold"), "auth"),
    ("anthropic", 400, {}, detailed("invalid_request_error", "CANARY of 7"), "bad_request"),
    # AWS, by header, by body, and as a frame in the middle of a stream
    ("aws", 400, aws("ValidationException"), {"message": "CANARY"}, "bad_request"),
    ("aws", 400, aws("ServiceQuotaExceededException"), {"message": "CANARY"}, "quota_exhausted"),
    ("aws", 403, aws("AccessDeniedException"), {"Message": "CANARY"}, "auth"),
    ("aws", 403, aws("UnrecognizedClientException"), {"message": "CANARY"}, "auth"),
    ("aws", 403, aws("ExpiredTokenException"), {"message": "CANARY"}, "auth"),
    ("aws", 403, aws("InvalidSignatureException"), {"message": "CANARY"}, "auth"),
    ("aws", 403, aws("MissingAuthenticationTokenException"), {}, "auth"),
    ("aws", 403, aws("IncompleteSignatureException"), {}, "auth"),
    ("aws", 403, aws("RequestTimeTooSkewed"), {}, "auth"),
    ("aws", 404, aws("ResourceNotFoundException"), {}, "not_found"),
    ("aws", 404, aws("UnknownOperationException"), {}, "not_found"),
    ("aws", 408, aws("ModelTimeoutException"), {}, "timeout"),
    ("aws", 424, aws("ModelErrorException"), {"originalStatusCode": 500}, "server_error"),
    ("aws", 429, aws("ThrottlingException"), {}, "rate_limited"),
    ("aws", 429, aws("TooManyRequestsException"), {}, "rate_limited"),
    ("aws", 429, aws("ModelNotReadyException"), {}, "overloaded"),
    ("aws", 500, aws("InternalServerException"), {}, "server_error"),
    ("aws", 503, aws("ServiceUnavailableException"), {}, "overloaded"),
    ("aws", 400, {}, {"__type": "com.amazon.coral.service#ThrottlingException"}, "rate_limited"),
    ("aws", 400, {}, {"__type": "ThrottlingException", "message": "CANARY"}, "rate_limited"),
    ("aws", None, {}, {"__type": "ThrottlingException"}, "rate_limited"),
    ("aws", None, {}, {"__type": "throttlingException"}, "rate_limited"),
    ("aws", None, {}, {"__type": "modelStreamErrorException"}, "server_error"),
    ("aws", None, {}, {"__type": "validationException"}, "bad_request"),
    ("aws", None, {}, {"__type": "modelTimeoutException"}, "timeout"),
    ("aws", None, {}, {"__type": "serviceUnavailableException"}, "overloaded"),
    ("aws", None, {}, {"__type": "internalServerException"}, "server_error"),
    # Local servers
    ("llama.cpp", 400, {}, {"error": {"code": 400, "type": "exceed_context_size_error"}}, "context_length"),
    ("llama.cpp", 401, {}, {"error": {"code": 401, "type": "authentication_error"}}, "auth"),
    ("llama.cpp", 501, {}, {"error": {"code": 501, "type": "not_supported_error"}}, "not_found"),
    ("llama.cpp", 503, {}, {"error": {"code": 503, "type": "unavailable_error"}}, "overloaded"),
    ("llama-cpp-python", 400, {}, openai("context_length_exceeded"), "context_length"),
    ("vllm", 400, {}, {"object": "error", "message": "CANARY", "type": "BadRequestError", "code": 400}, "bad_request"),
    ("vllm", 404, {}, {"error": {"message": "CANARY", "type": "NotFoundError", "code": 404}}, "not_found"),
    ("vllm", 500, {}, {"error": {"message": "CANARY", "type": "InternalServerError", "code": 500}}, "server_error"),
    ("ollama", 404, {}, {"error": "CANARY"}, "not_found"),
    ("ollama", 400, {}, {"error": "CANARY"}, "bad_request"),
    ("ollama", 200, {}, {"error": "CANARY"}, "server_error"),
    ("fastapi", 400, {}, {"detail": "CANARY"}, "bad_request"),
    ("fastapi", 422, {}, {"detail": [{"msg": "CANARY", "type": "missing"}]}, "bad_request"),
    ("fastapi", 405, {}, {"detail": "Method Not Allowed"}, "not_found"),
    ("fastapi", 500, {}, None, "server_error"),
    # Hosted ones with other shapes
    (
        "mistral",
        400,
        {},
        {"object": "error", "message": {"CANARY": 1}, "type": "invalid_model", "code": "1500"},
        "not_found",
    ),
    ("mistral", 429, {}, {"object": "error", "type": "service_tier_capacity_exceeded", "code": "3505"}, "overloaded"),
    ("mistral", 429, {}, {"message": "CANARY"}, "rate_limited"),
    ("mistral", 500, {}, {"object": "error", "type": "internal_server_error", "code": "3000"}, "server_error"),
    ("groq", 400, {}, openai("model_decommissioned"), "model_retired"),
    ("groq", 200, {}, openai("rate_limit_exceeded", "tokens"), "rate_limited"),
    ("cloudflare", 522, {}, None, "timeout"),
    ("cloudflare", 524, {}, "<html>CANARY</html>", "timeout"),
    ("cloudflare", 520, {}, "<html>CANARY</html>", "server_error"),
    ("cloudflare", 429, {}, "error code: 1015", "rate_limited"),
]


@pytest.mark.parametrize(("vendor", "status", "headers", "body", "kind"), TABLE)
def test_every_vendor(vendor: str, status: int | None, headers: dict[str, str], body: Any, kind: str) -> None:
    """Class, kind and whether the same call may be sent again; no word of the body but a known code."""
    error = provider_error(status, headers, body, target="t")
    assert (error.kind, type(error)) == (kind, CLASSES.get(kind, ProviderError))
    assert error.retry_safe is (kind in AGAIN)
    assert "CANARY" not in f"{error}{error.why}{error.change}"


def test_every_kind_is_one_that_the_route_knows() -> None:
    """The map and the table of what may be done about an error have the same closed set."""
    kinds = {meaning.kind for meaning in (*BY_CODE.values(), *BY_STATUS.values())}
    assert kinds <= set(ERROR_ACTIONS)
    assert all(allowed <= set(ERROR_ACTIONS) for allowed in FIRM.values())
    assert set(NAMES.values()) <= set(BY_CODE)


def test_every_error_of_bedrock_is_known() -> None:
    """Each exception in botocore's model of the service has its own line, and the class of its status agrees."""
    shapes = Loader().load_service_model("bedrock-runtime", "service-2")["shapes"]
    wanted = {name: shape["error"]["httpStatusCode"] for name, shape in shapes.items() if "error" in shape}
    known = {name: status for name, status in wanted.items() if name in NAMES}
    assert set(wanted) - set(known) <= {"ConflictException"}  # of asynchronous jobs, which are never started here
    for name, status in known.items():
        assert provider_error(status, aws(name), {}, target="t").kind == BY_CODE[NAMES[name]].kind


def test_every_code_of_a_failed_response_is_known() -> None:
    """What OpenAI's own types list has a meaning here."""
    assert set(get_args(ResponseError.model_fields["code"].annotation)) <= set(BY_CODE)


def test_every_type_of_anthropics_errors_is_known() -> None:
    """What Anthropic's own types list has a meaning here, but for the memory of agents, which is never called."""
    elsewhere = {"conflict_error", "memory_path_conflict_error", "memory_precondition_failed_error"}
    assert set(get_args(ErrorType)) - set(BY_CODE) <= elsewhere


def test_a_skewed_clock_says_so() -> None:
    """The remedy is the clock, not the key."""
    error = provider_error(403, aws("RequestTimeTooSkewed"), {}, target="t")
    assert "clock" in error.what
    assert "NTP" in error.change
    assert "clock" in provider_error(403, aws("InvalidSignatureException"), {}, target="t").change
    assert "renew" in provider_error(403, aws("ExpiredTokenException"), {}, target="t").change


def test_a_server_that_calls_wrong_requests_its_own_failures() -> None:
    """Whether such a 500 may be sent again cannot be known, so it is not."""
    error = provider_error(500, {}, openai(None, "internal_server_error"), target="t")
    assert (error.kind, error.retry_safe) == ("server_error", None)


@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed"])
def test_output_that_the_server_found_wrong(code: str) -> None:
    """The model's own slip: another try may go well."""
    error = provider_error(400, {}, openai(code), target="t")
    assert (error.kind, error.retry_safe) == ("bad_response", True)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 410, 429])
def test_a_code_does_not_talk_a_status_away(status: int) -> None:
    """A body that calls a refusal a failure of the server would have it tried again."""
    error = provider_error(status, {}, openai("server_error", "server_error"), target="t")
    assert error.kind == BY_STATUS[status].kind


def test_the_servers_own_word_about_another_try() -> None:
    """`x-should-retry: false` stops a retry; `true` does not make one safe."""
    assert provider_error(503, {"x-should-retry": "false"}, None).retry_safe is False
    assert provider_error(400, {"x-should-retry": "true"}, None).retry_safe is False
    assert provider_error(503, {}, None).retry_safe is True


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ThrottlingException", ("throttling_exception",)),
        ("throttlingException", ("throttling_exception",)),
        ("aws.x#ThrottlingException", ("throttling_exception",)),
        ("JohnSmithException", ()),
        ("CANARY", ()),
        ("Throttling Exception", ()),
        ("x" * 500, ()),
    ],
)
def test_names_in_capitals_are_shown_only_when_known(name: str, shown: tuple[str, ...]) -> None:
    """A closed table: what nobody checked is not repeated."""
    assert vendor_codes({"__type": name}) == shown
    error = provider_error(500, {"x-amzn-errortype": f"{name}:http://x/"}, None, target="t")
    assert error.why == (f"the provider's code is {shown[0]}" if shown else "")
