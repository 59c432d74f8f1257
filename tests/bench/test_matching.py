"""The measurement of matching: that it measures what it says, in a small way."""

from __future__ import annotations

import pytest

from bench import matching


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(matching, "COUNTS", (3, 30))
    monkeypatch.setattr(matching, "MANY", 50)
    monkeypatch.setattr(matching, "ROUNDS", 2)


@pytest.mark.parametrize("kinds", [("exact",), ("prefix",), ("wildcard",), ("exact", "prefix", "wildcard")], ids=str)
def test_what_is_called_is_found(kinds):
    same, others = matching.best_match(kinds, 30)
    assert same > 0
    assert others > 0


def test_a_publication_reaches_its_subscriber_beside_patterns():
    assert matching.publishing(20, 7) > 0


def test_the_tables_have_a_column_for_each_size(capsys):
    matching.main()
    registrations, _, publishing = capsys.readouterr().out.partition("\n\n")
    assert [line.count("|") for line in registrations.splitlines()] == [4] * 6
    assert [line.count("|") for line in publishing.splitlines()] == [5] * 4
