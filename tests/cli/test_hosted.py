"""Commands that a component of the router runs: who they are stands in its environment, and is for its own router alone."""

import pytest

from wampd.cli.speaking.options import _OPTIONS, target

URL = "ws+unix:///run/wampd/1.sock:/ws"
HOSTED = {
    "WAMPD_URL": URL,
    "WAMPD_REALM": "realm1",
    "WAMPD_AUTHID": "load.2",
    "WAMPD_TICKET": "hunter2-of-load",
}


@pytest.fixture
def hosted(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, value in HOSTED.items():
        monkeypatch.setenv(name, value)

    def given(**more):
        options = {
            **{name: None for name, _ in _OPTIONS},
            "url": URL,
            "realm": "realm1",
            "ask": False,
            "connect_timeout": 1.0,
            **more,
        }
        return target(options).credentials

    return given


def test_it_is_who_the_router_says(hosted):
    credentials = hosted()
    assert (credentials.method, credentials.authid, credentials.secret) == ("ticket", "load.2", "hunter2-of-load")
    assert "hunter2" not in repr(credentials)


def test_its_ticket_is_not_shown_to_another_router(hosted):
    credentials = hosted(url="ws://127.0.0.1:1/ws")
    assert (credentials.method, credentials.authid, credentials.secret) == (None, None, None)


def test_nor_is_it_used_by_one_that_says_who_it_is(hosted, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter2-of-ann")
    secret.chmod(0o600)
    credentials = hosted(authid="ann", secret_file=secret)
    assert (credentials.authid, credentials.secret) == ("ann", "hunter2-of-ann")
    assert hosted(auth="anonymous").secret is None
