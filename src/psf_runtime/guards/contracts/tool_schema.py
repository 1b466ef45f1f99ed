"""From what an application has (a function, a dict, a Tool) to a Tool with a JSON schema."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.guards.contracts.schema import compile_schema
from psf_runtime.types.request import Tool

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_ARGUMENT = re.compile(r"\s+(?P<name>\w+)(?: \([^)]*\))?:\s+(?P<text>\S.*)")
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def tool_from(obj: Any) -> Tool:
    """A Tool whose parameters are a JSON schema dict.

    Args:
        obj: a typed function with a docstring (its first paragraph describes the tool, an `Args:` section the
            parameters), an OpenAI tool dict, or a Tool whose parameters are a schema, a pydantic model or a dataclass.

    Raises ConfigError when a name, a type or the docstring is missing, or the schema uses what is not supported.
    """
    if isinstance(obj, Tool):
        return _checked(obj.name, obj.description, _parameters(obj.name, obj.parameters))
    if isinstance(obj, Mapping):
        return _from_dict(obj)
    if callable(obj) and not isinstance(obj, type):
        return _from_function(obj)
    raise _wrong(f"a tool cannot be a {type(obj).__name__}", "pass a typed function, an OpenAI tool dict, or a Tool")


def _wrong(what: str, change: str) -> ConfigError:
    return ConfigError(what, control="contracts.tools", change=change)


def _checked(name: str, description: str, schema: Mapping[str, Any]) -> Tool:
    if not _NAME.match(name):
        raise _wrong("a tool's name must be 1 to 64 letters, digits, _ or -", "rename the tool")
    if schema.get("type", "object") != "object":
        raise _wrong(f"the parameters of tool {name!r} are no object", "describe an object with properties")
    compile_schema(schema, what=f"the schema of tool {name!r}")
    return Tool(name, description, dict(schema))


def _parameters(name: str, parameters: Any) -> Mapping[str, Any]:
    if parameters is None:
        return _NOTHING
    if isinstance(parameters, Mapping):
        return parameters
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    try:
        schema: dict[str, Any] = TypeAdapter(parameters).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError):
        schema = {}
    if not schema:
        raise _wrong(
            f"the parameters of tool {name!r} have no JSON schema", "use a model, a dataclass or a schema dict"
        )
    return schema


def _from_dict(obj: Mapping[str, Any]) -> Tool:
    function = obj.get("function", obj) if obj.get("type", "function") == "function" else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise _wrong("a tool dict must hold a function with a name", '{"type": "function", "function": {"name": ...}}')
    unknown = sorted(set(function) - {"name", "description", "parameters", "strict", "type"})
    if unknown:
        raise _wrong(f"a tool dict has unknown keys: {', '.join(unknown)}", "name, description, parameters, strict")
    name = function["name"]
    return _checked(name, str(function.get("description") or ""), _parameters(name, function.get("parameters")))


def _from_function(function: Callable[..., Any]) -> Tool:
    name = getattr(function, "__name__", type(function).__name__)
    described = inspect.getdoc(function)
    if not described:
        raise _wrong(f"tool {name!r} has no docstring", "say in one what it does: the model chooses by it")
    schema = _model(name, _fields(name, function)).model_json_schema()
    notes = _notes(described)
    for parameter, part in schema.get("properties", {}).items():
        part.pop("title", None)
        if parameter in notes:
            part.setdefault("description", notes[parameter])
    schema.pop("title", None)
    return _checked(name, " ".join(described.split("\n\n")[0].split()), schema)


def _fields(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else type(function).__call__
    hints = typing.get_type_hints(target, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise _wrong(
                f"tool {name!r} takes {parameter.name!r} without a name", "give each argument a name and a type"
            )
        if parameter.name not in hints:
            raise _wrong(f"tool {name!r} has no type for {parameter.name!r}", f"write {parameter.name}: <type>")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return fields


def _model(name: str, fields: dict[str, Any]) -> Any:
    from pydantic import ConfigDict, create_model
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    try:
        return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticSchemaGenerationError, PydanticUserError, NameError):
        pass
    raise _wrong(f"tool {name!r} has a parameter without a JSON schema", "use types that JSON can hold")


def _notes(described: str) -> dict[str, str]:
    """Descriptions from an `Args:` section."""
    _, _, section = described.partition("Args:\n")
    notes: dict[str, str] = {}
    for line in section.splitlines():
        if line and not line[0].isspace():
            break
        match = _ARGUMENT.match(line)
        if match:
            notes[match["name"]] = match["text"].strip()
    return notes
