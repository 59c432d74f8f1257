"""Principals in files and in the store, as the running router lets them in, and sends them away when they change."""

import os
import time

import pytest

from tests.router.client import ABORT, GOODBYE, WELCOME, Session
from tests.router.conftest import write
from wampd.auth.accounts import Account
from wampd.auth.ticket import digest_of
from wampd.router.stores import principals as stored
from wampd.router.stores.sqlite import carry_out, open_store

HELLO, CHALLENGE, AUTHENTICATE = 1, 4, 5
DENIED = "wamp.error.authentication_denied"
KILLED = "wamp.close.killed"

REALMS = """
store: {file: wampd.sqlite}
realms:
  - name: realm1
    roles: [{name: user}, {name: admin}]
    auth:
      ticket: {}
      principals: [{authid: conrad, role: admin, ticket: hunter2 conrad}]
      files: [people.yaml]
      store: true
"""
PEOPLE = "- {authid: flora, role: user, ticket: hunter2 flora}\n- {authid: both, role: user, ticket: hunter2 file}\n"


def account(authid, role="user", ticket="hunter2"):
    return Account(authid=authid, role=role, ticket=digest_of(ticket))


@pytest.fixture
def people(tmp_path):
    file = tmp_path / "people.yaml"
    write(file, PEOPLE)
    return file


@pytest.fixture
def store(tmp_path):
    """What another process does in the store."""
    connection = open_store(tmp_path / "wampd.sqlite")
    yield lambda work, *arguments, **more: carry_out(
        connection, lambda connection: work(connection, "realm1", *arguments, **more)
    )
    connection.close()


@pytest.fixture
def router(start, people):
    return start(realms=REALMS)


def join(router, authid, ticket="hunter2"):
    """A session of this principal, or the reason why there is none."""
    session = Session(router.port, join=False)
    details = {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": authid}
    session.send(HELLO, "realm1", details)
    assert session.receive()[0] == CHALLENGE
    session.send(AUTHENTICATE, ticket, {})
    kind, *answer = session.receive()
    if kind == ABORT:
        session.close()
        return answer[1]
    assert kind == WELCOME
    session.details = answer[1]
    return session


def provider(session):
    with session:
        return session.details["authid"], session.details["authrole"], session.details["authprovider"]


def test_principals_come_from_the_configuration_from_files_and_from_the_store(router, store):
    store(stored.add, account("stella"))
    assert provider(join(router, "conrad", "hunter2 conrad")) == ("conrad", "admin", "static")
    assert provider(join(router, "flora", "hunter2 flora")) == ("flora", "user", "file")
    assert provider(join(router, "stella")) == ("stella", "user", "store")
    assert join(router, "nobody") == DENIED
    assert join(router, "stella", "hunter3") == DENIED


def test_of_several_places_the_first_decides(router, store):
    store(stored.add, account("both", "admin", "hunter2 store"))
    assert join(router, "both", "hunter2 store") == DENIED
    assert provider(join(router, "both", "hunter2 file")) == ("both", "user", "file")


def test_what_another_process_changes_in_the_store_counts_at_once(router, store):
    assert join(router, "stella") == DENIED
    store(stored.add, account("stella"))
    join(router, "stella").close()
    store(stored.replace, account("stella"), disabled=True)
    assert join(router, "stella") == DENIED
    store(stored.replace, account("stella", "admin"), disabled=False)
    assert provider(join(router, "stella"))[1] == "admin"
    store(stored.remove, "stella")
    assert join(router, "stella") == DENIED


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((stored.remove, "stella"), "this principal is not let in any more"),
        ((stored.logout, "stella"), "this principal was logged out"),
        ((stored.replace, account("stella", "admin")), "this principal has another role now"),
        ((stored.replace, account("stella")), "this principal is not let in any more"),
    ],
)
def test_sessions_of_a_principal_that_has_changed_in_the_store_are_sent_away(router, store, change, why):
    for name in ("stella", "stanley"):
        store(stored.add, account(name))
    with join(router, "stella") as first, join(router, "stella") as second, join(router, "stanley") as other:
        work, *arguments = change
        more = {"disabled": "not let in" in why} if work is stored.replace else {}
        store(work, *arguments, **more)
        for session in (first, second):
            assert session.receive() == [GOODBYE, {"message": why}, KILLED]
        with pytest.raises(TimeoutError):
            other.receive(timeout=0.5)


def test_a_file_is_read_again_and_its_principals_that_are_gone_are_sent_away(router, people):
    with join(router, "flora", "hunter2 flora") as flora, join(router, "both", "hunter2 file") as other:
        write(
            people, "- {authid: both, role: user, ticket: hunter2 file}\n- {authid: fritz, role: user, ticket: hunter2}"
        )
        assert flora.receive() == [GOODBYE, {"message": "this principal is not let in any more"}, KILLED]
        assert provider(join(router, "fritz")) == ("fritz", "user", "file")
        assert join(router, "flora", "hunter2 flora") == DENIED
        with pytest.raises(TimeoutError):
            other.receive(timeout=0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {authid: flora, rol: user}", 'people.yaml:1:19: [0].rol: unknown key; did you mean "role"?'),
        ("- {authid: flora, role: usr, ticket: hunter2}", 'people.yaml:1:25: [0].role: the realm has no role "usr"'),
        ("", "people.yaml:1:1: the file is empty"),
        (None, "the file is gone"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing_and_is_an_error_in_the_log(router, people, text, said):
    with join(router, "flora", "hunter2 flora") as flora:
        if text is None:
            people.unlink()
        else:
            write(people, text)
        router.wait_for_log(said)
        time.sleep(1.2)
        assert router.log().count("cannot be used, what was read before stays") == 1
        assert provider(join(router, "flora", "hunter2 flora"))[0] == "flora"
        with pytest.raises(TimeoutError):
            flora.receive(timeout=0.1)
        write(people, "- {authid: fritz, role: user, ticket: hunter2}")
        assert flora.receive()[0] == GOODBYE
        assert provider(join(router, "fritz"))[0] == "fritz"
    assert router.stop() == 0
    assert "1 files that could not be used" in router.log().partition("since the start:")[2]


def test_the_store_is_for_its_owner_alone(router, tmp_path):
    made = sorted(file for file in os.listdir(tmp_path) if file.startswith("wampd.sqlite"))
    assert made == ["wampd.sqlite", "wampd.sqlite-shm", "wampd.sqlite-wal"]
    assert {os.stat(tmp_path / file).st_mode & 0o777 for file in made} == {0o600}


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"not a database at all\n" * 100, "is not an SQLite database"), (b"", None)],
)
def test_a_router_whose_store_cannot_be_used_does_not_start(start, people, tmp_path, content, why):
    file = tmp_path / "wampd.sqlite"
    file.write_bytes(content)
    file.chmod(0o600)
    router = start(realms=REALMS, ready=why is None)
    if why is None:
        assert router.stop() == 0
    else:
        assert router.wait() == 2
        assert f'wampd.yaml:2:15: store.file: "{file}" {why}' in router.log()
