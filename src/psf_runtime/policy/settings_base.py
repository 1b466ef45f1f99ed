"""What the settings of all domains share: they are checked when they are made, and every problem is listed at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, cast

from psf_runtime.errors import ConfigError
from psf_runtime.policy.checking import Wrong, hints_of, wrong
from psf_runtime.policy.controls import CONTROLS, MODES
from psf_runtime.policy.frozen import frozen
from psf_runtime.policy.wording import NOT_YET, count

Trouble = tuple[str, str, str]  # the setting, what is wrong with it, what to change


class Settings:
    """The base of the eight settings classes."""

    __slots__ = ()
    domain: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for name, value in self.values().items():
            object.__setattr__(self, name, frozen(value))
        troubles = self.troubles_in(self.changed())
        if troubles:
            raise ConfigError(
                f"{type(self).__name__}(...) has {count(len(troubles), 'problem')}:",
                problems=[(f"{self.domain}.{name}", what, change) for name, what, change in troubles],
            )

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The names of the settings, which are the keys of the domain's table in psf.toml."""
        return tuple(field.name for field in fields(cast(Any, cls)))

    @classmethod
    def has(cls, key: str) -> bool:
        """Whether there is a setting of that name."""
        return any(field.name == key for field in fields(cast(Any, cls)))

    @classmethod
    def troubles_in(cls, values: Mapping[str, Any]) -> list[Trouble]:
        """Everything that is wrong with values that somebody chose, by setting. They are settings of this class."""
        troubles: list[Trouble] = []
        right: dict[str, Any] = {}
        for name, value in values.items():
            found = cls.trouble_with(name, value)
            if found is None:
                right[name] = value
            else:
                troubles.append((name, *found))
        return troubles + cls.rules(right)

    @classmethod
    def trouble_with(cls, name: str, value: Any) -> Wrong | None:
        """What is wrong with the type or the mode of one setting."""
        control = CONTROLS.get(f"{cls.domain}.{name}")
        if control is not None and not control.here:
            return NOT_YET, "remove it"
        if control is not None and value == "observe" and not control.may_observe:
            return 'has no "observe" mode', f'"enforce"; to switch it off, a Waiver for {control.name}'
        found = wrong(value, hints_of(cls)[name])
        if found is None and control is not None and value in MODES and control.is_weaker(control.most, than=value):
            return f'"{value}" {NOT_YET}', f'"{control.most}"'
        return found

    @classmethod
    def rules(cls, values: Mapping[str, Any]) -> list[Trouble]:  # noqa: ARG003 - for those who override it
        """What a type cannot say. `values` are of the right types and hold only what somebody chose."""
        return []

    def values(self) -> dict[str, Any]:
        """Every setting and its value."""
        return {name: getattr(self, name) for name in self.keys()}

    def changed(self) -> dict[str, Any]:
        """The settings that differ from the standard preset."""
        standard = {field.name: field.default for field in fields(cast(Any, self))}
        return {name: value for name, value in self.values().items() if value != standard[name]}
