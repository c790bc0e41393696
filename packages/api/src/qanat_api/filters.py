"""The query of a listing as values: numbers, lists, times; pure. A wrong one names its parameter."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from qanat_common.errors import InvalidParameter
from qanat_common.listing import JobFilter
from qanat_common.ogc import JobStatus
from qanat_common.protocol import LogEntry

JOBS_LIMIT = 100
"""How many jobs are listed when the client does not say."""

JOBS_MOST = 1000
"""How many jobs are listed at most; asking for more is no error."""

LONGEST_TEXT = 200
"""So much of the words that are searched for is read."""

PROCESSES_MOST = 100
"""How many processes one list may be asked for: each is a set of its own in the store."""

T = TypeVar("T")

MOST_NUMBER = 999_999_999_999_999
"""The greatest number that a parameter may be."""

_YEAR = "[1-9][0-9]{3}"
_LEAP_YEAR = "(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)"
_DAY = (
    f"(?:{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    f"|(?:0[13578]|1[02])-31)|{_LEAP_YEAR}-02-29)"
)
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_INSTANT = f"{_DAY}[Tt]{_CLOCK}:[0-5][0-9](?:[.][0-9]{{1,9}})?(?:[Zz]|[+ -]{_CLOCK})"
"""A time of RFC 3339 that there is; a blank is a plus that was not escaped."""

DATETIME = f"^(?:{_INSTANT}|(?:{_INSTANT}|[.][.])?/(?:{_INSTANT}|[.][.])?)?$"
"""The parameter `datetime` as a pattern of JSON Schema: nothing, an instant or an interval."""

_TIME = re.compile(_INSTANT)


class Query(Protocol):
    """A query string, parsed: parameters may be repeated."""

    def getlist(self, key: str) -> list[str]:
        """All values of a parameter."""


@dataclass(frozen=True)
class ProcessQuery:
    """Which processes are asked for, and which part of them; the one without values is all."""

    words: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def text(self) -> str:
        """The words as they are typed."""
        return " ".join(self.words)

    def parameters(self, limit: int | None, offset: int) -> dict[str, str | list[str]]:
        """The query that asks for a part of the same processes."""
        given: dict[str, str | list[str]] = {
            "q": self.text,
            "provider": list(self.providers),
            "service": list(self.services),
            "limit": str(limit) if limit else "",
            "offset": str(offset) if offset else "",
        }
        return {name: value for name, value in given.items() if value}


def process_query(query: Query) -> ProcessQuery:
    """Which processes to list: `q`, `provider`, `service`, `limit`, `offset`."""
    return ProcessQuery(
        words=words(query),
        providers=tuple(names(query, "provider")),
        services=tuple(names(query, "service")),
        limit=number(query, "limit", 1),
        offset=number(query, "offset", 0) or 0,
    )


def words(query: Query) -> tuple[str, ...]:
    """The words that are searched for."""
    return tuple(" ".join(query.getlist("q"))[:LONGEST_TEXT].split())


def said(entries: Sequence[LogEntry], wanted: Sequence[str]) -> list[LogEntry]:
    """The lines of a log that have all these words in them, in large or small letters."""
    folded = [word.casefold() for word in wanted]
    return [entry for entry in entries if all(word in _line(entry) for word in folded)]


def _line(entry: LogEntry) -> str:
    return f"{entry.level} {entry.message}".casefold()


def job_filter(query: Query) -> JobFilter:
    """Which jobs to list (digest, section 10)."""
    for kind in values(query, "type"):
        _one_of("type", kind, {"process": "process"})
    after, before = _interval(query)
    statuses = {str(status): status for status in JobStatus}
    return JobFilter(
        statuses=[_one_of("status", text, statuses) for text in values(query, "status")],
        processes=_processes(query),
        after=after,
        before=before,
        shortest=max(_numbers(query, "minDuration"), default=None),
        longest=min(_numbers(query, "maxDuration"), default=None),
    )


def values(query: Query, name: str) -> list[str]:
    """The values of a list: repeated, or separated by commas, or both."""
    return [text for given in query.getlist(name) for text in given.split(",") if text]


def names(query: Query, name: str) -> list[str]:
    """The values of a list of names: as `values`, and each as a whole where it has a comma.

    A comma within a name is escaped (Common Part 1, query-param-list-escape). Many clients escape
    those between the names too, and are understood as well.
    """
    whole = [given for given in query.getlist(name) if "," in given]
    return list(dict.fromkeys([*values(query, name), *whole]))


def _processes(query: Query) -> list[str]:
    found = names(query, "processID")
    if len(found) > PROCESSES_MOST:
        raise InvalidParameter(f"processID: {len(found)} are given, at most {PROCESSES_MOST} taken")
    return found


def number(query: Query, name: str, least: int) -> int | None:
    """A whole number; None when it is not given."""
    given = query.getlist(name)
    return _number(name, given[0], least) if given else None


def _numbers(query: Query, name: str) -> list[int]:
    return [_number(name, text, 0) for text in values(query, name)]


def _number(name: str, text: str, least: int) -> int:
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII) or int(text) < least:
        raise InvalidParameter(f"{name}: {text[:100]!r} is not a whole number from {least} on")
    return int(text)


def _one_of(name: str, text: str, known: Mapping[str, T]) -> T:
    if text not in known:
        raise InvalidParameter(f"{name}: {text[:100]!r} is not one of {', '.join(known)}")
    return known[text]


def _interval(query: Query) -> tuple[datetime | None, datetime | None]:
    """The parameter `datetime`: an instant, or an interval that may be open at an end.

    An empty one is none: a form sends what was not filled in.
    """
    given = query.getlist("datetime")
    if not given or not given[0]:
        return None, None
    start, slash, end = given[0].partition("/")
    if not slash:
        return _time(start), _time(start)
    after, before = (None if text in ("", "..") else _time(text) for text in (start, end))
    if after and before and after > before:
        raise InvalidParameter(f"datetime: {given[0][:100]!r} ends before it starts")
    return after, before


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise InvalidParameter(
            f"datetime: {text[:100]!r} is not an RFC 3339 time such as 2026-11-24T09:00:00Z"
        )
    return datetime.fromisoformat(text.upper().replace(" ", "+"))
