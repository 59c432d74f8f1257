"""What is read from the reports of the Autobahn test suite, and what is said of them."""

import json
from pathlib import Path

import pytest

from tests.autobahn.run import MissingError, failures, python27, read, summary


def outcome(case: str, behavior: str, closing: str = "OK") -> dict[str, str]:
    page = f"wampd_case_{case.replace('.', '_')}.json"
    return {"behavior": behavior, "behaviorClose": closing, "reportfile": page}


def test_ok_non_strict_and_informational_are_no_failures() -> None:
    results = {
        "1.1.1": outcome("1.1.1", "OK"),
        "6.4.1": outcome("6.4.1", "NON-STRICT"),
        "7.1.6": outcome("7.1.6", "INFORMATIONAL", "INFORMATIONAL"),
    }
    assert failures(results, Path("reports")) == []
    assert summary(results, 0) == "3 cases: 1 OK, 1 NON-STRICT, 1 INFORMATIONAL; 0 failed"


def test_a_case_fails_by_its_messages_or_by_its_close_and_its_page_is_named() -> None:
    results = {
        "10.1.1": outcome("10.1.1", "FAILED"),
        "9.1.1": outcome("9.1.1", "OK", "UNCLEAN"),
        "12.1.1": outcome("12.1.1", "UNIMPLEMENTED"),
    }
    assert failures(results, Path("reports")) == [
        "9.1.1: OK, closing: UNCLEAN; see reports/wampd_case_9_1_1.html",
        "10.1.1: FAILED, closing: OK; see reports/wampd_case_10_1_1.html",
        "12.1.1: UNIMPLEMENTED, closing: OK; see reports/wampd_case_12_1_1.html",
    ]


def test_the_index_of_a_report_is_read(tmp_path: Path) -> None:
    results = {"1.1.1": outcome("1.1.1", "OK")}
    (tmp_path / "index.json").write_text(json.dumps({"wampd": results}))
    assert read(tmp_path) == results


@pytest.mark.parametrize("index", [None, "", "{}"])
def test_without_a_report_nothing_counts_as_passed(tmp_path: Path, index: str | None) -> None:
    if index is not None:
        (tmp_path / "index.json").write_text(index)
    with pytest.raises(MissingError, match="no report on wampd"):
        read(tmp_path)


def test_a_python_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"is not a CPython 2\.7"):
        python27(str(tmp_path / "python2.7"))
