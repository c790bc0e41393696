"""The checker of histories sees each promise that is broken, and no other."""

import pytest
from tests.faults.history import History, Kind, violations

GOOD = [
    (Kind.ACCEPTED, ""),
    (Kind.STATUS, "accepted"),
    (Kind.STATUS, "running"),
    (Kind.STATUS, "successful"),
    (Kind.RESULT, "right"),
    (Kind.STATUS, "successful"),
    (Kind.RESULT, "right"),
]


def history(*seen: tuple[Kind, str]) -> History:
    made = History()
    made.expect("j", "right")
    for kind, value in seen:
        made.note(kind, "j", value)
    return made


def test_a_history_that_keeps_the_promises_is_not_complained_about() -> None:
    assert violations(history(*GOOD)) == []


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([*GOOD, (Kind.GONE, "")], "was not there"),
        (GOOD[:3], "has not ended: running"),
        ([*GOOD, (Kind.STATUS, "failed")], "ended more than once"),
        ([*GOOD, (Kind.STATUS, "running"), (Kind.STATUS, "successful")], "alive again"),
        ([*GOOD[:3], (Kind.STATUS, "accepted"), *GOOD[2:]], "accepted again"),
        ([(Kind.DISMISSED, ""), *GOOD[3:]], "was dismissed, and has a result"),
        ([(Kind.DISMISSED, ""), (Kind.STATUS, "failed")], "was dismissed, and then it was not"),
        ([*GOOD, (Kind.RESULT, "another")], "its result is wrong: another"),
        ([(Kind.STATUS, "failed"), (Kind.FAILURE, "internal: words")], "it failed: internal"),
        ([*GOOD, (Kind.WRONG, "500 for a status")], "wrong answer: 500"),
    ],
)
def test_each_broken_promise_is_told(seen: list[tuple[Kind, str]], told: str) -> None:
    assert told in "\n".join(violations(history(*seen)))


def test_a_job_may_fail_when_its_own_process_was_killed() -> None:
    failed = [(Kind.STATUS, "failed"), (Kind.FAILURE, "process-crashed: by a signal")]
    assert violations(history(*failed)) == []
