"""Accept, Prefer and entity tags: by tables, and never an error for what cannot be read."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qanat_api import negotiation
from qanat_api.negotiation import Mode, Preferences
from qanat_common.errors import InvalidParameter, NotAcceptable
from qanat_common.ogc import JSON, JobControl

SYNC, ASYNC = JobControl.SYNC, JobControl.ASYNC
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, True),
        ("", True),
        ("application/json", True),
        ("APPLICATION/JSON;charset=utf-8", True),
        ("application/json;q=0", False),
        ("application/json; q=0.0, */*", False),
        ("application/*;q=0, */*", False),
        ("text/html", False),
        ("text/html, *;q=0.2", True),
        ("*/*;q=0", False),
        ("/*", True),
        ('text/html;level="1,2", application/json', True),
        (",,,", True),
    ],
)
def test_a_media_type_is_accepted_by_the_range_that_names_it_most_closely(
    header: str | None, expected: bool
) -> None:
    assert (negotiation.quality(header, JSON) > 0) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Preferences()),
        (["respond-async"], Preferences(respond_async=True)),
        (["respond-async "], Preferences(respond_async=True)),
        (["RESPOND-ASYNC; x=y"], Preferences(respond_async=True)),
        (["wait=10"], Preferences(wait=10)),
        (['wait="10"'], Preferences(wait=10)),
        (["wait = 10 ; x"], Preferences(wait=10)),
        (["wait=10, wait=20"], Preferences(wait=10)),
        (["wait=10", "wait=20, respond-async"], Preferences(respond_async=True, wait=10)),
        (['x="a, respond-async"'], Preferences()),
        (["respond-sync, foo; bar=1"], Preferences()),
        (["wait=-1"], Preferences()),
        (["wait=1.5"], Preferences()),
    ],
)
def test_preferences_are_read_by_rfc_7240(headers: list[str], expected: Preferences) -> None:
    assert negotiation.preferences(headers) == expected


@pytest.mark.parametrize(
    ("options", "wanted", "expected"),
    [
        ([SYNC, ASYNC], Preferences(), Mode(asynchronous=False)),
        ([SYNC, ASYNC], Preferences(wait=5), Mode(asynchronous=False)),
        ([SYNC, ASYNC], Preferences(True), Mode(True, 0, "respond-async")),
        ([SYNC, ASYNC], Preferences(True, 5), Mode(True, 5, "respond-async, wait=5")),
        ([SYNC, ASYNC], Preferences(True, 99), Mode(True, 30, "respond-async, wait=30")),
        ([ASYNC], Preferences(), Mode(asynchronous=True)),
        ([ASYNC], Preferences(wait=5), Mode(asynchronous=True)),
        ([SYNC], Preferences(True, 5), Mode(asynchronous=False)),
        ([], Preferences(True), Mode(asynchronous=False)),
    ],
)
def test_the_mode_is_that_of_the_table_of_the_standard(
    options: list[JobControl], wanted: Preferences, expected: Mode
) -> None:
    assert negotiation.mode(options, wanted, longest=30) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_an_entity_tag_is_found_in_its_header(header: str | None, expected: bool) -> None:
    assert negotiation.matches(header, '"a"') is expected


@given(HEADER, st.lists(HEADER, max_size=3))
def test_no_header_makes_it_fail(accept: str, prefer: list[str]) -> None:
    assert negotiation.problem_type(accept) in (JSON, negotiation.PROBLEM)
    negotiation.preferences(prefer)
    negotiation.matches(accept, '"a"')
    with contextlib.suppress(NotAcceptable):
        negotiation.require_document(accept, None)


def test_a_long_header_of_quotes_is_read_in_no_time() -> None:
    assert negotiation.quality('"\\' * 100_000, "a/b") in (0, 1)


def test_the_parameter_f_goes_before_accept() -> None:
    negotiation.require_document("text/html", "json")
    with pytest.raises(InvalidParameter):
        negotiation.require_document(JSON, "xml")
