"""`PSF_NETWORK`: whether our senders may reach other machines."""

from __future__ import annotations

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.providers.network import stays_on_loopback


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, False), ({"PSF_NETWORK": ""}, False), ({"PSF_NETWORK": "any"}, False), ({"PSF_NETWORK": " loopback "}, True)],
)
def test_what_the_variable_says(environ: dict[str, str], expected: bool) -> None:
    """Only `loopback` keeps calls here; nothing and `any` do not."""
    assert stays_on_loopback(environ) is expected


def test_a_word_that_nobody_understands_is_refused() -> None:
    """A typo does not open the network."""
    with pytest.raises(ConfigError, match="neither 'loopback' nor 'any'"):
        stays_on_loopback({"PSF_NETWORK": "lopback"})
