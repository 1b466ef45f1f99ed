"""What Bedrock's Converse calls things: finish reasons, formats, settings. Data, not branches."""

from __future__ import annotations

from collections.abc import Mapping

from psf_runtime.providers.dialect.extra import ExtraKind
from psf_runtime.types.response_head import FinishReason

PROVIDER = "bedrock"
DIALECT = "Converse"

FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "other",
    "malformed_tool_use": "other",
}

# The way back. This dialect has no word for a refusal: for its clients it is filtered content.
STOP_REASON: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "refusal": "content_filtered",
    "other": "end_turn",
}

IMAGE_FORMATS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}

_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCUMENT_FORMATS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}

# Media types of the formats, for the way back.
IMAGE_TYPES: Mapping[str, str] = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
DOCUMENT_TYPES: Mapping[str, str] = {name: media_type for media_type, name in DOCUMENT_FORMATS.items()}

# Other spellings of a file name's end.
DOCUMENT_ENDINGS: Mapping[str, str] = {"htm": "html", "markdown": "md", **{name: name for name in DOCUMENT_TYPES}}

EFFORTS = ("low", "medium", "high", "xhigh", "max")

# Settings of single model families, inside `additionalModelRequestFields`. That field is free JSON: what is not
# declared could name a vendor's memory or a hosted tool.
MODEL_FIELDS: Mapping[str, ExtraKind] = {
    "reasoningConfig": "settings",
    "reasoning_config": "settings",
    "reasoning_effort": "word",
    "thinking": "settings",
    "top_k": "integer",
}

# Settings of the service: every member with the pattern that its value must fit.
SERVICE_FIELDS: Mapping[str, Mapping[str, str]] = {
    "guardrailConfig": {
        "guardrailIdentifier": r"[a-z0-9]+|arn:aws(-[^:\s]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+",
        "guardrailVersion": r"[1-9][0-9]{0,7}|DRAFT",
        "trace": "disabled",  # a trace repeats what it found, past every guard
    },
    "performanceConfig": {"latency": "standard|optimized"},
    "serviceTier": {"type": "priority|default|flex|reserved"},
}

# Fields that lead to a memory, a recipient or a text that no guard would see.
NEVER: Mapping[str, str] = {
    "additionalModelResponseFieldPaths": "its values would pass by the guards",
    "promptVariables": "a text in this field is not screened, and a stored prompt is not bound to your user",
    "requestMetadata": "it is kept with the vendor's invocation logs",
}
