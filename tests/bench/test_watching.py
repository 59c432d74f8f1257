"""What it costs to be watched: how two series of measurements are compared."""

from bench import watching


def test_neighbouring_measurements_are_compared(capsys):
    watching.compare([0.2, 0.5, 0.22], [0.21, 0.5, 0.24])
    told = capsys.readouterr().out
    assert "50,000 messages/s, 3 pairs" in told
    assert "22.0% of a core unwatched, 24.0% watched" in told
    assert "difference: +1.00% of a core, standard error 0.58%" in told


def test_one_pair_tells_nothing_of_its_scatter(capsys):
    watching.compare([0.2], [0.21])
    assert "standard error inf%" in capsys.readouterr().out
