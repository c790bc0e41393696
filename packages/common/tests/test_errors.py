"""The failures a client may see."""

from qanat_common.errors import OGC, NoSuchJob, NoSuchProcess, ResultNotReady, all_errors


def test_every_error_has_a_code_of_its_own_and_so_has_each_type_with_its_status() -> None:
    errors = all_errors()
    assert len({(error.type, error.status) for error in errors.values()}) == len(errors)
    assert all(400 <= error.status < 600 and error.title for error in errors.values())


def test_the_types_that_the_standard_fixes_are_as_it_says() -> None:
    assert NoSuchProcess.type == OGC + "no-such-process"
    assert NoSuchJob.type == OGC + "no-such-job"
    assert ResultNotReady.type == OGC + "result-not-ready"
