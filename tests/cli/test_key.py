"""``wampd key``: Ed25519 keys in files."""

import os
import stat

import pytest

from wampd.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_key_is_written_for_its_owner_alone_and_shown_again(here, capsys):
    old = os.umask(0)
    try:
        assert main(["key", "new", "seed"]) == 0
    finally:
        os.umask(old)
    public = capsys.readouterr().out
    file = here / "seed"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(file.read_text())) == len(bytes.fromhex(public)) == 32
    assert file.read_text() != public
    assert main(["key", "show", "seed"]) == 0
    assert capsys.readouterr() == (public, "")


def test_a_key_is_never_overwritten(here, capsys):
    assert main(["key", "new", "seed"]) == 0
    before = (here / "seed").read_text()
    assert main(["key", "new", "seed"]) == 1
    assert "wampd key new: seed is there already, and is not overwritten\n" in capsys.readouterr().err
    assert (here / "seed").read_text() == before


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("hunter2", 0o600, "holds no seed of an Ed25519 key, which is 64 hex digits"),
        ("\u00ff" * 64, 0o600, "holds no seed"),
        ("11" * 32, 0o644, "is open to other users"),
        (None, 0, "No such file or directory"),
    ],
)
def test_what_is_no_key_is_told_and_not_shown(here, capsys, content, mode, said):
    if content is not None:
        (here / "seed").write_bytes(content.encode("latin-1"))
        (here / "seed").chmod(mode)
    assert main(["key", "show", "seed"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "hunter2" not in err


def test_a_key_that_cannot_be_written_is_told(here, capsys):
    assert main(["key", "new", "none/seed"]) == 1
    assert capsys.readouterr().err == "wampd key new: cannot write none/seed: No such file or directory\n"
