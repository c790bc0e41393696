"""The query of a listing: any time and interval of RFC 3339, in any spelling, and nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from qanat_api.filters import DATETIME, job_filter, said
from qanat_common.errors import InvalidParameter
from qanat_common.protocol import LogEntry

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001  # hypothesis wants naive bounds
    datetime(9000, 1, 1),  # noqa: DTZ001
    timezones=ZONES | st.just(UTC),
)


def spelt(time: datetime, *, lower: bool) -> str:
    text = time.isoformat().replace("+00:00", "Z")
    return text.lower() if lower else text


@given(first=TIMES, second=TIMES, lower=st.booleans(), form=st.sampled_from("ab i"))
def test_an_interval_is_read_as_it_is_meant(
    first: datetime, second: datetime, lower: bool, form: str
) -> None:
    start, end = sorted((first, second))
    texts = {
        "a": (f"{spelt(start, lower=lower)}/..", start, None),
        "b": (f"/{spelt(end, lower=lower)}", None, end),
        " ": (f"{spelt(start, lower=lower)}/{spelt(end, lower=lower)}", start, end),
        "i": (spelt(start, lower=lower), start, start),
    }
    text, after, before = texts[form]
    found = job_filter(QueryParams({"datetime": text}))
    assert (found.after, found.before) == (after, before)


@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_any_other_text_is_refused_by_its_name(text: str) -> None:
    if set(text) <= set("./"):
        return
    with pytest.raises(InvalidParameter) as caught:
        job_filter(QueryParams({"datetime": text}))
    assert caught.value.detail.startswith("datetime: ")


@given(
    least=st.lists(st.integers(0, 10**6), max_size=3),
    most=st.lists(st.integers(0, 10**6), max_size=3),
    commas=st.booleans(),
)
def test_of_several_durations_the_narrowest_holds(
    least: list[int], most: list[int], commas: bool
) -> None:
    given = [("minDuration", least), ("maxDuration", most)]
    pairs = [
        (name, text)
        for name, numbers in given
        for text in ([",".join(map(str, numbers))] if commas else map(str, numbers))
    ]
    found = job_filter(QueryParams(pairs))
    assert found.shortest == max(least, default=None)
    assert found.longest == min(most, default=None)


def test_a_list_may_be_repeated_or_separated_by_commas() -> None:
    found = job_filter(QueryParams("processID=a,b&processID=c&processID=a&status=failed,,running"))
    assert found.processes == ["a", "b", "c", "a,b"]
    assert [str(status) for status in found.statuses] == ["failed", "running"]


@pytest.mark.parametrize("text", ["../..", "/", "../", ""])
def test_an_interval_that_is_open_at_both_ends_filters_nothing(text: str) -> None:
    found = job_filter(QueryParams({"datetime": text}))
    assert (found.after, found.before) == (None, None)


def takes(text: str) -> bool:
    """Whether a datetime is taken, or refused for its order only."""
    try:
        job_filter(QueryParams([("datetime", text)])).as_json()
    except InvalidParameter as error:
        return "ends before it starts" in error.detail
    return True


@given(st.from_regex(DATETIME, fullmatch=True))
def test_each_datetime_that_the_definition_allows_is_taken(text: str) -> None:
    assert takes(text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("processID=a,b", ["a", "b", "a,b"]),
        ("processID=a%2Cb", ["a", "b", "a,b"]),
        ("processID=a&processID=b", ["a", "b"]),
        ("processID=,a,,", ["a", ",a,,"]),
    ],
)
def test_a_name_with_a_comma_is_found_as_well_as_the_names_between_commas(
    query: str, found: list[str]
) -> None:
    assert job_filter(QueryParams(query)).processes == found


@given(words=st.lists(st.sampled_from(["Feature", "12", "WARNING", "geometry"]), max_size=3))
def test_a_line_of_a_log_is_found_by_all_of_its_words_in_any_letters(words: list[str]) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    line = LogEntry(time=now, level="warning", message="Feature 12 has invalid geometry")
    other = LogEntry(time=now, level="info", message="Processing algorithm…")
    found = said([other, line], [word.lower() for word in words])
    assert found == ([line] if words else [other, line])
