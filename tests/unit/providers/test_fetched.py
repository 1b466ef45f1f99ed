"""Addresses that somebody else would fetch: none that leads into a network."""

from __future__ import annotations

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.providers.fetched import check_fetched
from psf_runtime.providers.openai import OpenAIChat
from psf_runtime.types.media import Image
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request


@pytest.mark.parametrize(
    "url", ["https://h.example/a.png?x=1#y", "http://h.example:8080/a.png", "https://8.8.8.8/a.png", "http://8.8.8.8/a"]
)
def test_public_addresses_may_be_fetched(url: str) -> None:
    """A picture on the web is the vendor's to fetch."""
    check_fetched(url, "it")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/CANARY",
        "http://[fd00:ec2::254]/CANARY",
        "http://metadata.google.internal/CANARY",
        "http://2852039166/CANARY",
        "https://127.0.0.1/CANARY",
        "https://localhost:8000/CANARY",
        "https://10.1.2.3/CANARY",
        "https://192.168.0.1/CANARY",
        "https://100.64.0.1/CANARY",
        "https://intranet/CANARY",
        "https://wiki.internal/CANARY",
        "https://printer.local/CANARY",
        "https://user:CANARY@h.example/a.png",
        "https://[CANARY/",
        "file:///CANARY",
        "gopher://h.example/CANARY",
    ],
)
def test_addresses_inside_a_network_are_refused(url: str) -> None:
    """Neither the vendor nor a local server is sent to look where the caller could not; the error repeats nothing."""
    with pytest.raises(ConfigError) as caught:
        check_fetched(url, "it")
    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_picture_inside_a_network_does_not_leave() -> None:
    """Chat completions asks before it writes the address."""
    request = Request((Message.user(Image("http://169.254.169.254/latest/meta-data/")),))
    with pytest.raises(ConfigError, match="address of a picture"):
        OpenAIChat("m").encode(request, stream=False)


def test_a_picture_that_is_its_own_address_goes_along() -> None:
    """A data: address fetches nothing."""
    request = Request((Message.user(Image("data:image/png;base64,eA==")),))
    assert b"data:image/png;base64,eA==" in OpenAIChat("m").encode(request, stream=False).body
