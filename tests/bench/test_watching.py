"""What it costs to be watched: how two series of measurements are compared."""

import pytest

from bench import watching


def test_neighbouring_measurements_are_compared(capsys):
    watching.compare([0.2, 0.5, 0.22], [0.21, 0.5, 0.24])
    told = capsys.readouterr().out
    assert "50,000 messages/s, 3 pairs" in told
    assert "22.0% of a core unwatched, 24.0% watched" in told
    assert "difference: +1.00% of a core, standard error 0.58%" in told


@pytest.mark.parametrize(
    ("errors", "rate", "carried"),
    [(0, 12_500.0, True), (0, 11_875.0, True), (0, 11_000.0, False), (1, 12_500.0, False)],
)
def test_what_was_not_carried_tells_nothing(errors, rate, carried):
    assert watching.carried({"errors": errors, "ops_s": rate}) is carried


def test_one_pair_tells_nothing_of_its_scatter(capsys):
    watching.compare([0.2], [0.21])
    assert "standard error inf%" in capsys.readouterr().out
