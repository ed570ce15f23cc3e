"""Reports of failures: what Lambda accepts of their types."""

import pytest

from everloop.report import ACCEPTED_TYPE, ErrorReport


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ValueError", "Function.ValueError"),
        ("Db", "Function.Db"),
        ("E", "Function.Unknown"),
        ("my_error2", "Function.Myerror"),
        ("Größe", "Function.Gre"),
        ("shop.errors.Closed", "Function.Closed"),
        ("", "Function.Unknown"),
        ("Runtime.Unknown", "Runtime.Unknown"),
    ],
)
def test_a_type_is_made_to_what_lambda_accepts(name: str, expected: str) -> None:
    """Letters alone, two at least; the report's own type stays as it is."""
    report = ErrorReport(name, "")

    assert (report.header_type, report.error_type) == (expected, name)
    assert ACCEPTED_TYPE.fullmatch(report.header_type)
