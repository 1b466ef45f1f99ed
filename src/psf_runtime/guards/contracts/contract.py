"""What an answer must be: structure, meaning and business rules, checked in this order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, overload

from psf_runtime.errors import ConfigError, ContractViolation, GuardError, PsfError
from psf_runtime.guards.contracts.formats import format_faults
from psf_runtime.guards.contracts.lowering import lower, schema_name
from psf_runtime.guards.contracts.portability_report import PortabilityReport, report_on
from psf_runtime.guards.contracts.raising import raised
from psf_runtime.guards.contracts.schema import compile_schema, property_names
from psf_runtime.guards.contracts.texts import depth_of_json
from psf_runtime.types.request import OutputSchema

T = TypeVar("T")
Check = Callable[[Any], bool | str | None]
OnFail = Literal["raise", "escalate"] | Callable[[ContractViolation], Any]
Layer = Literal["structure", "semantic", "business"]

_MOST_LEVELS = 64
_FENCE = re.compile(r"\A\s*```(?:json|JSON)?[ \t]*\n(?P<body>.*?)\n?```\s*\Z", re.DOTALL)
_KIND = re.compile(r"[a-z][a-z0-9_.]{0,48}\Z")
_REASKS_AT_MOST = 5


@dataclass(frozen=True, slots=True, repr=False)
class Checked(Generic[T]):
    """A value that holds in all three layers. `repaired`: a Markdown fence around it was taken off."""

    value: T
    repaired: bool = False

    def __repr__(self) -> str:
        return f"Checked({type(self.value).__name__})"


@dataclass(frozen=True, slots=True)
class Violations:
    """What is wrong, in the first layer that failed: (path, kind) pairs, never values."""

    layer: Layer
    errors: tuple[tuple[str, str], ...]


class Contract(Generic[T]):
    """What `output=` asks for, in three layers.

    Structure: the type, or the JSON schema. Meaning (`semantic`) and business rules (`business`): functions of the
    value that return True or None when it is good, False or a str when it is bad. The model is told the path and the
    kind of each fault and the name of the check; never the text a check returns, for that may hold personal data.

    Args:
        shape: whatever pydantic's TypeAdapter takes (a model, dataclass, TypedDict, `list[...]`, scalar), or a JSON
            schema as a dict (local references only; an unknown keyword is a ConfigError).
        semantic: checks of meaning; `business`: checks of business rules. Both see the restored value.
        max_reasks: how often the model is asked again, 0 to 5.
        repair: accept JSON inside a Markdown fence (counted). Values are never repaired.
        allow_invented: let an e-mail address, telephone number, IBAN or card number fill a field although it stands in
            no part of the request: for answers that are to be made up. By default such an answer does not fit.
        on_fail: `raise` a ContractViolation, `escalate` to a person, or a function of the ContractViolation that
            returns a safe value (the completion is then `degraded`).

    A judge model as a semantic check is still to come. Source: framework domain 04.
    """

    @overload
    def __init__(
        self,
        shape: type[T],
        *,
        semantic: Sequence[Check] = (),
        business: Sequence[Check] = (),
        max_reasks: int = 1,
        repair: bool = False,
        allow_invented: bool = False,
        on_fail: OnFail = "raise",
    ) -> None: ...
    @overload
    def __init__(
        self: Contract[Any],
        shape: Any,
        *,
        semantic: Sequence[Check] = (),
        business: Sequence[Check] = (),
        max_reasks: int = 1,
        repair: bool = False,
        allow_invented: bool = False,
        on_fail: OnFail = "raise",
    ) -> None: ...
    def __init__(
        self,
        shape: Any,
        *,
        semantic: Sequence[Check] = (),
        business: Sequence[Check] = (),
        max_reasks: int = 1,
        repair: bool = False,
        allow_invented: bool = False,
        on_fail: OnFail = "raise",
    ) -> None:
        if not 0 <= max_reasks <= _REASKS_AT_MOST:
            raise ConfigError(f"max_reasks must be 0 to {_REASKS_AT_MOST}", control="contracts.output")
        if on_fail not in ("raise", "escalate") and not callable(on_fail):
            raise ConfigError("on_fail must be 'raise', 'escalate' or a function", control="contracts.output")
        self.semantic = tuple(semantic)
        self.business = tuple(business)
        self.max_reasks = max_reasks
        self.repair = repair
        self.allow_invented = allow_invented
        self.on_fail: OnFail = on_fail
        self._adapter: Any = None
        if isinstance(shape, Mapping):
            self._schema: Mapping[str, Any] = shape
            self._validator = compile_schema(shape)
            title = str(shape.get("title", "answer"))
        else:
            self._adapter, self._schema = _adapter(shape)
            title = str(self._schema.get("title", getattr(shape, "__name__", "answer")))
        self._lowered = lower(self._schema)
        self._names = property_names(self._schema) | {"value"}
        self._name = schema_name(title)

    def schema(self) -> OutputSchema:
        """The schema as it goes to a model: see `portability()` for what was lowered."""
        return OutputSchema(self._name, self._lowered.schema, strict=not self._lowered.loose)

    def portability(self) -> PortabilityReport:
        """Per vendor: native, tool or prompt; what is lowered, and where it is checked again."""
        return report_on(self._lowered)

    @property
    def wrapped(self) -> bool:
        """Whether the answer travels as `{"value": ...}`."""
        return self._lowered.wrapped

    def check(self, text: str) -> Checked[T] | Violations:
        """The value, or what is wrong with the text in the first layer that fails."""
        try:
            data, repaired = self.data(text)
        except ValueError:
            return Violations("structure", (("", "not_json"),))
        value, errors = self._structure(data)
        if errors:
            return Violations("structure", errors)
        layers: tuple[tuple[Layer, tuple[Check, ...]], ...] = (("semantic", self.semantic), ("business", self.business))
        for layer, checks in layers:
            errors = tuple(fault for place, check in enumerate(checks) if (fault := _run(check, value, layer, place)))
            if errors:
                return Violations(layer, errors)
        return Checked(value, repaired)

    def data(self, text: str) -> tuple[Any, bool]:
        """The JSON value of an answer, numbers that left as tokens made numbers again; and whether it was repaired.

        Raises ValueError when it is no JSON.
        """
        body, repaired = self._unfenced(text)
        data = _parse(body)
        if self.wrapped and isinstance(data, dict) and set(data) == {"value"}:
            data = data["value"]
        return raised(data, self._schema), repaired

    def dump(self, value: Any) -> str:
        """A value of this contract as JSON text."""
        if self._adapter is None:
            return json.dumps(value, ensure_ascii=False)
        return str(self._adapter.dump_json(value).decode())

    def __repr__(self) -> str:
        return f"Contract({self._name!r}, {len(self.semantic)} semantic, {len(self.business)} business)"

    def _unfenced(self, text: str) -> tuple[str, bool]:
        fence = _FENCE.match(text) if self.repair else None
        return (fence["body"], True) if fence else (text, False)

    def _structure(self, data: Any) -> tuple[Any, tuple[tuple[str, str], ...]]:
        if self._adapter is None:
            errors = tuple(self._validator.errors(data))
            formats = tuple((self.path(steps), kind) for steps, kind in format_faults(data, self._schema))
            return data, errors or formats
        from pydantic import ValidationError

        try:
            # Strict: the model was told the types, and "12" for 12 is drift that nobody would see otherwise.
            return self._adapter.validate_json(json.dumps(data), strict=True), ()
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            return None, tuple((self.path(item["loc"]), _kind(item["type"])) for item in found)

    def path(self, steps: tuple[Any, ...]) -> str:
        """A path without keys that the model wrote: those may be personal data."""
        return ".".join(str(step) if isinstance(step, int) or step in self._names else "*" for step in steps)


def _adapter(shape: Any) -> tuple[Any, Mapping[str, Any]]:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    try:
        adapter: Any = TypeAdapter(shape)
        return adapter, adapter.json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError):
        name = getattr(shape, "__name__", type(shape).__name__)
    raise ConfigError(
        f"output= cannot be a {name}",
        control="contracts.output",
        why="there is no JSON schema for it",
        change="use a pydantic model, a dataclass, a TypedDict (before Python 3.12 the one of typing_extensions), "
        "list[...], a scalar, or a JSON schema dict",
    )


def _parse(text: str) -> Any:
    """JSON, strictly: no NaN, no Infinity, no nesting that could break the parser."""
    if depth_of_json(text) > _MOST_LEVELS:
        raise ValueError("too deep")
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _kind(kind: str) -> str:
    return kind if _KIND.match(kind) else "custom_error"


def _run(check: Check, value: Any, layer: Layer, place: int) -> tuple[str, str] | None:
    name = getattr(check, "__name__", "") or type(check).__name__
    label = f"{layer}.{name}" if name.isidentifier() else f"{layer}.{place}"
    failed = ""
    try:
        verdict = check(value)
    except PsfError:
        raise
    except Exception as error:
        failed = type(error).__name__
    if failed:
        # Raised outside of the except block: its error, and the locals of its frames, hold the answer.
        raise GuardError(
            f"the check {label} of contracts.output failed with {failed}; the call was stopped",
            layer="contracts.output",
            hook=label,
            control="contracts.output",
            change="mend the check: it must return True, None, False or a str",
        )
    return None if verdict is None or verdict is True else ("", label)
