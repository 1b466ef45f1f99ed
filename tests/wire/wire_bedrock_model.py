"""Bedrock's own description of its wire, as botocore ships it: checks what is sent, reads what is answered.

botocore's validator alone lets wrong enum values, numbers out of range and broken patterns pass; this one does not.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser

MODEL = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"), "bedrock-runtime")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (str,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


def faults(shape: Any, value: Any, at: str = "") -> list[str]:
    """Everything in which a JSON value departs from a shape."""
    if getattr(shape, "is_document_type", False):
        return []
    kinds = _TYPES[shape.type_name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        return [f"{at}: no {shape.type_name}"]
    return [f"{at}: {fault}" for fault in _own_faults(shape, value)] + list(_inner_faults(shape, value, at))


def _own_faults(shape: Any, value: Any) -> Iterator[str]:
    limits = shape.metadata
    size = value
    if shape.type_name == "blob":
        size = len(b64decode(value, validate=True))
    elif not isinstance(value, int | float):
        size = len(value)
    if "min" in limits and size < limits["min"]:
        yield f"less than {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"more than {limits['max']}"
    if shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield "not in the enum"
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
            yield "does not fit the pattern"
    if shape.type_name == "structure":
        if shape.is_tagged_union and len(value) != 1:
            yield "not one of a union"
        yield from (f"{name} is missing" for name in shape.required_members if name not in value)
        yield from (f"{name} is unknown" for name in value if name not in shape.members)


def _inner_faults(shape: Any, value: Any, at: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, item in value.items():
            if name in shape.members:
                yield from faults(shape.members[name], item, f"{at}.{name}")
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from faults(shape.member, item, f"{at}[{number}]")
    elif shape.type_name == "map":
        for name, item in value.items():
            yield from faults(shape.key, name, f"{at}.key")
            yield from faults(shape.value, item, f"{at}.value")


def request_faults(body: dict[str, Any], model_id: str, *, stream: bool = False) -> list[str]:
    """What the service would object to in a request."""
    shape = MODEL.operation_model("ConverseStream" if stream else "Converse").input_shape
    return faults(shape, {"modelId": model_id, **body})


def response_faults(body: dict[str, Any]) -> list[str]:
    """In what an answer departs from the service's own."""
    return faults(MODEL.operation_model("Converse").output_shape, body)


def parsed_response(body: bytes) -> dict[str, Any]:
    """The answer as botocore builds it for its users."""
    parser = create_parser("rest-json")
    shape = MODEL.operation_model("Converse").output_shape
    parsed: dict[str, Any] = parser.parse({"status_code": 200, "headers": {}, "body": body}, shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


class _Raw:
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def stream(self) -> Iterator[bytes]:
        yield from self._pieces


def parsed_events(pieces: list[bytes]) -> list[dict[str, Any]]:
    """The events of a stream as botocore builds them for its users."""
    parser = create_parser("rest-json")
    shape = MODEL.operation_model("ConverseStream").output_shape
    response = {"status_code": 200, "headers": {}, "body": _Raw(pieces), "context": {"operation_name": "x"}}
    return list(parser.parse(response, shape)["stream"])


def frames(data: bytes) -> list[Any]:
    """The frames as botocore reads them."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return list(buffer)


def event_faults(kind: str, body: dict[str, Any]) -> list[str]:
    """In what one event departs from the service's own."""
    union = MODEL.operation_model("ConverseStream").output_shape.members["stream"]
    return faults(union.members[kind], body)
