"""``wampd user``: what it does, what it says, and what it never shows."""

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import CONFIG, PASSWORD
from tests.support.process import ROOT, environment
from wampd.auth import hashes
from wampd.auth.ticket import digest_of
from wampd.cli.main import main
from wampd.router.stores import principals
from wampd.router.stores.sqlite import carry_out, open_store

# --- add ---


def test_a_password_is_kept_for_every_method_of_the_realm_that_takes_one(user):
    told = "joe was added to realm1 with the role user, for ticket, wampcra, scram\n"
    assert user.add() == (0, "", told)
    account = user.kept("joe").account
    assert hashes.fits(account.password, PASSWORD)
    assert hashes.fault(account.password) is None
    assert (account.ticket, account.wampcra.iterations) == (None, 10)
    assert [(keys.kdf, keys.iterations) for keys in account.scram] == [("pbkdf2", 10)]
    kept = (user.directory / "wampd.sqlite").read_bytes()
    assert b"hunter2" not in kept
    assert digest_of(PASSWORD) not in kept  # nothing fast


def test_it_is_told_if_another_principal_counts_before_the_one_that_is_added(user):
    joe = "principals: [{authid: joe, role: user, ticket: hunter2}]"
    user.write(CONFIG.replace("store: true", f"store: true\n      {joe}", 1))
    said = "but it cannot come in so: there is another joe in the configuration, which counts before the store"
    assert user.add()[2].splitlines()[1:] == [said]
    assert user.add("ann")[2].splitlines()[1:] == []


def test_a_password_may_be_for_some_methods_only(user):
    assert user.add("joe", "--password-stdin", "--methods", "wampcra, ticket")[0] == 0
    account = user.kept("joe").account
    assert (account.password is None, account.wampcra is None, account.scram) == (False, False, ())


def test_a_ticket_is_drawn_and_shown_once(user):
    status, out, err = user.add("joe", "--ticket")
    assert (status, err.splitlines()[0]) == (0, "joe was added to realm1 with the role user, for ticket")
    assert len(out) == 44
    account = user.kept("joe").account
    assert account.ticket == digest_of(out.rstrip("\n"))
    assert (account.password, account.wampcra) == (None, None)
    assert user.add("ann", "--ticket")[1] != out


def test_keys_are_taken_as_hex_or_as_the_key_of_a_seed(user, capsys):
    assert main(["key", "new", "seed"]) == 0
    public = capsys.readouterr().out.rstrip("\n")
    other = "11" * 32
    assert user.add("joe", "--key", other.upper(), "--key-file", "seed", realm="keys")[0] == 0
    assert [key.hex() for key in user.kept("joe", "keys").account.keys] == [other, public]
    status, _, err = user.add("ann", "--key", public, realm="keys")
    assert (status, err) == (1, "wampd user add: another principal of the realm 'keys' has the same key\n")


def test_password_ticket_and_key_go_together(user):
    assert user.add("joe", "--password-stdin", "--ticket", "--key", "11" * 32)[0] == 0
    account = user.kept("joe").account
    assert None not in (account.password, account.ticket, account.wampcra)
    assert len(account.keys) == 1


def test_a_name_is_added_once(user):
    user.add()
    before = user.kept("joe")
    expected = "wampd user add: there is a principal 'joe' in the realm 'realm1' already\n"
    assert user.add() == (1, "", expected)
    assert user.kept("joe") == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "joe", "--role", "usr"], 'the realm "realm1" has no role "usr"; did you mean "user"?'),
        (["add", "", "--role", "user"], "the authid must not be empty"),
        (["add", "a" * 256, "--role", "user"], "an authid has at most 255 characters"),
        (["add", "j.e", "--role", "personal", "--ticket"], '"j.e" cannot have this role: not one component of a URI'),
        (["add", "joe", "--role", "user", "--key", "11"], "not an Ed25519 public key, which is 64 hex digits: 11"),
        (["add", "joe", "--role", "user", "--key", "00" * 32], "not an Ed25519 public key"),
        (["add", "joe", "--role", "user", "--key-file", "none"], 'cannot read "none": No such file or directory'),
        (["add", "joe", "--role", "user", "--key-file", "config.yaml"], "is open to other users"),
        (["add", "joe", "--role", "user"], "there is no terminal to ask for a password; give --password-stdin,"),
        (["add", "joe", "--role", "user", "--password-stdin"], "a password has 1 to 4096 bytes"),
        (["add", "joe", "--role", "user", "--ticket", "--methods", "scram"], "--methods are for a password"),
        (
            ["add", "joe", "--role", "user", "--password-stdin", "--methods", "tls"],
            "--methods are of ticket,wampcra,scram",
        ),
        (["role", "joe", "usr"], 'the realm "realm1" has no role "usr"; did you mean "user"?'),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(user, words, said):
    user.add("ann")
    status, out, err = user(*words)
    assert (status, out) == (2, "")
    assert err.startswith(f"wampd user {words[0]}: ")
    assert said in err
    assert user.kept("joe") is None


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("hunter2\nhunter2", "has more than one line"),
        ("h" * 5000, "a password has 1 to 4096 bytes"),
        ("hunter2\x07", "the method scram cannot take this name or password"),
    ],
)
def test_a_password_that_cannot_be_is_not_shown(user, password, said):
    status, out, err = user("add", "joe", "--role", "user", "--password-stdin", stdin=password)
    assert (status, out) == (2, "")
    assert said in err
    assert password[:7] not in err


def test_a_realm_without_methods_for_passwords_says_so(user):
    status, _, err = user.add(realm="keys")
    assert (status, "the realm offers no method that takes a password" in err) == (2, True)


def test_what_no_method_of_the_realm_takes_is_kept_and_noted(user):
    status, out, err = user.add("joe", "--ticket", realm="keys")
    assert (status, len(out)) == (0, 44)
    assert "note that the realm does not offer ticket, or leaves it to an authenticator\n" in err
    assert "note" not in user.add("ann", "--ticket")[2]


def test_a_password_is_not_for_methods_that_an_authenticator_judges(user):
    judged = "ticket: {authenticator: {procedure: com.joe}}"
    user.write(
        CONFIG.replace("ticket: {}", judged)
        .replace("{name: user}", "{name: user, permissions: [*REG]}", 1)
        .replace("*REG", "{uri: com.joe, allow: [register]}")
    )
    assert user.add()[2] == "joe was added to realm1 with the role user, for wampcra, scram\n"


# --- changing ---


def test_passwd_replaces_everything_that_the_old_password_was_good_for(user):
    user.add("joe", "--password-stdin", "--ticket", "--key", "11" * 32)
    before = user.kept("joe").account
    assert user("passwd", "joe", "--password-stdin", "--methods", "ticket", stdin="hunter2 new")[0] == 0
    account = user.kept("joe").account
    assert hashes.fits(account.password, "hunter2 new")
    assert (account.wampcra, account.scram) == (None, ())
    assert (account.ticket, account.keys) == (before.ticket, before.keys)


def test_passwd_gives_a_new_ticket_or_other_keys(user):
    user.add("joe", "--ticket", "--key", "11" * 32)
    before = user.kept("joe").account
    _, ticket, _ = user("passwd", "joe", "--ticket")
    assert user.kept("joe").account.ticket == digest_of(ticket.rstrip("\n")) != before.ticket
    user("passwd", "joe", "--key", "22" * 32)
    assert [key.hex() for key in user.kept("joe").account.keys] == ["22" * 32]


def test_a_principal_is_disabled_enabled_given_a_role_and_removed(user):
    user.add()
    account = user.kept("joe").account
    assert user("disable", "joe") == (0, "", "joe is disabled\n")
    assert user.kept("joe").disabled
    assert user("role", "joe", "admin") == (0, "", "joe has the role admin\n")
    assert user.kept("joe").disabled
    assert user("enable", "joe") == (0, "", "joe is enabled\n")
    kept = user.kept("joe")
    assert (kept.disabled, kept.account.role, kept.account.password) == (False, "admin", account.password)
    assert user("logout", "joe") == (0, "", "joe is logged out of realm1\n")
    assert user("remove", "joe") == (0, "", "joe was removed from realm1\n")
    assert user.kept("joe") is None


@pytest.mark.parametrize(
    "words", ["passwd joe --ticket", "role joe user", "disable joe", "enable joe", "remove joe", "logout joe"]
)
def test_who_is_not_there_is_told(user, words):
    user.add("ann")
    assert user(*words.split()) == (
        1,
        "",
        f"wampd user {words.split()[0]}: there is no principal 'joe' in the realm 'realm1'\n",
    )


# --- list ---


def test_a_table_shows_who_there_is_and_nothing_secret(user):
    user.add("joe")
    user.add("ann", "--ticket", "--key", "11" * 32)
    user.add("evil\x1b[2J", "--ticket")
    user.add("joe", "--key", "11" * 32, realm="keys")
    user("disable", "ann")
    status, out, _ = user("list", realm=None)
    rows = [line.split() for line in out.splitlines()]
    assert status == 0
    assert rows[0] == ["REALM", "AUTHID", "ROLE", "STATE", "METHODS", "CHANGED"]
    assert [row[:5] for row in rows[1:]] == [
        ["keys", "joe", "user", "enabled", "cryptosign"],
        ["realm1", "ann", "user", "disabled", "ticket,cryptosign"],
        ["realm1", r"'evil\x1b[2J'", "user", "enabled", "ticket"],
        ["realm1", "joe", "user", "enabled", "ticket,wampcra,scram"],
    ]
    assert [line.split()[0] for line in user("list", realm="keys")[1].splitlines()] == ["REALM", "keys"]


def test_json_shows_the_same(user):
    user.add("joe", "--password-stdin", "--key", "11" * 32)
    status, out, _ = user("list", "--json")
    (shown,) = json.loads(out)
    assert status == 0
    del shown["changed"]
    methods = ["ticket", "wampcra", "scram", "cryptosign"]
    expected = {"realm": "realm1", "authid": "joe", "role": "user", "disabled": False, "methods": methods}
    assert shown == {**expected, "factors": [], "keys": ["11" * 32], "certificates": []}
    account = user.kept("joe").account
    for secret in (account.password, account.wampcra.key.decode(), account.scram[0].salt.hex()):
        assert secret not in out


def test_an_empty_store_is_an_empty_table(user):
    user.add()
    user("remove", "joe")
    assert user("list")[1].split() == ["REALM", "AUTHID", "ROLE", "STATE", "METHODS", "CHANGED"]
    assert user("list", "--json")[1] == "[]\n"


# --- where ---


def test_the_store_itself_may_be_named_and_then_nothing_is_known_of_realms(user):
    (user.directory / "config.yaml").unlink()
    store = ("--store", "other.sqlite")
    assert user("add", "joe", "--role", "whatever", "--ticket", *store, realm="anything")[0] == 0
    assert user("list", *store, realm=None)[1].splitlines()[1].split()[:3] == ["anything", "joe", "whatever"]
    assert "say which realm is meant: --realm NAME" in user("disable", "joe", *store, realm=None)[2]


@pytest.mark.parametrize(
    ("words", "realm", "said"),
    [
        ("disable joe", None, "which realm is meant? Give --realm one of realm1, keys"),
        ("disable joe", "realm2", 'there is no realm "realm2"; did you mean "realm1"?'),
        (
            "disable joe",
            "public",
            'the realm "public" has no principals in the store; that is "store: true" in its "auth"',
        ),
        ("list --config a --store b", None, "give --config or --store, not both"),
    ],
)
def test_where_the_principals_are_must_be_clear(user, words, realm, said):
    status, out, err = user(*words.split(), realm=realm)
    assert (status, out, err) == (2, "", f"wampd user {words.split()[0]}: {said}\n")


@pytest.mark.parametrize(
    ("config", "status", "said"),
    [
        (None, 2, "there is no config.yaml here; say where the store is: --config FILE, or --store FILE"),
        (
            CONFIG.replace("store: {file: wampd.sqlite}", "").replace("store: true", "store: false"),
            2,
            "configures no store",
        ),
        (CONFIG.replace("store: true", "store: false"), 2, "no realm of config.yaml has principals in the store"),
        (CONFIG.replace("name: user", "nam: user"), 2, 'unknown key; did you mean "name"?'),
        (CONFIG, 1, "wampd.sqlite: there is no such file"),
    ],
)
def test_the_configuration_must_know_of_a_store(user, config, status, said):
    if config is None:
        (user.directory / "config.yaml").unlink()
    else:
        user.write(config)
    found, out, err = user("list", realm=None)
    assert (found, out) == (status, "")
    assert said in err


def test_a_store_that_cannot_be_used_is_told(user):
    (user.directory / "wampd.sqlite").write_bytes(b"hunter2" * 1000)
    (user.directory / "wampd.sqlite").chmod(0o600)
    status, out, err = user.add()
    assert (status, out) == (2, "")
    assert err.endswith('wampd.sqlite" is not an SQLite database\n')
    assert "hunter2" not in err
    status, out, err = user("list", "--store", "wampd.sqlite")
    assert (status, out) == (1, "")
    assert "it is not an SQLite database" in err


# --- side by side ---


def test_no_option_takes_a_password_from_the_command_line():
    done = subprocess.run(
        [sys.executable, "-P", "-m", "wampd", "user", "add", "--help"],
        capture_output=True, text=True, env=environment(PYTHONPATH=str(ROOT)), check=True,
    )  # fmt: skip
    assert "--password " in done.stdout
    assert "--password PASSWORD" not in done.stdout
    assert done.stdout.count("--ticket ") >= 1


def test_two_who_write_at_the_same_time_both_get_it_done(user):
    user.add("ann")
    commands = [
        [sys.executable, "-P", "-m", "wampd", "user", "add", f"u{n}", "--role", "user", "--ticket", "--realm", "realm1"]
        for n in range(4)
    ]
    env = environment(PYTHONPATH=str(ROOT))
    children = [subprocess.Popen(each, cwd=user.directory, env=env, stdout=subprocess.DEVNULL) for each in commands]
    assert [child.wait(60) for child in children] == [0] * 4
    assert len(json.loads(user("list", "--json")[1])) == 5


def test_what_another_process_changes_meanwhile_is_not_undone(user):
    user.add()
    connection = open_store(user.directory / "wampd.sqlite")
    kept = principals.get(connection, "realm1", "joe")
    carry_out(connection, lambda it: principals.replace(it, "realm1", kept.account, disabled=True))
    connection.close()
    assert user("passwd", "joe", "--ticket")[0] == 0
    assert user.kept("joe").disabled
