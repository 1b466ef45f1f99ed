"""The type variables of the two faces. Their defaults are for type checkers only: Python 3.11 knows none."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", default=str)  # without output=, the value of a completion is its text
    U = TypeVar("U", default=Any)  # without output=, a resumed value is plain JSON
else:
    from typing import TypeVar

    T = TypeVar("T")
    U = TypeVar("U")
