"""Principals in files and in the store: what the configuration may say, and what is wrong with the files."""

from pathlib import Path

import pytest

from .conftest import LISTENER

CONFIG = """\
store: {file: wampd.sqlite}
realms:
  - name: realm1
    roles: [{name: user}, {name: personal, permissions: [{uri: "com.user.{authid}.", match: prefix, allow: [call]}]}]
    auth:
      ticket: {}
      files: [people.yaml]
      store: true
"""
GOOD = CONFIG + LISTENER
PEOPLE = "- {authid: joe, role: user, ticket: hunter2}\n"
WHERE = "people.yaml:1:"


def test_files_and_store_are_found_beside_the_configuration(config):
    config.write(PEOPLE, "people.yaml")
    settings = config.load(GOOD)
    assert settings.store.file == config.directory / "wampd.sqlite"
    (realm,) = settings.realms
    assert (realm.auth.files, realm.auth.store) == ((config.directory / "people.yaml",), True)
    assert not (config.directory / "wampd.sqlite").exists()


@pytest.mark.parametrize(
    ("people", "problem"),
    [
        ("{authid: joe}", "1:1: expected a list"),
        (
            f"- {{authid: {'a' * 256}, role: user, ticket: hunter2}}",
            "1:12: [0].authid: an authid has at most 255 characters",
        ),
        ("", "1:1: the file is empty"),
        ("- [", "2:1: not valid YAML: did not find expected node content while parsing a flow node"),
        (b"\xff", "1:1: the file is not UTF-8"),
        ("- {authid: joe, role: user}", "1:3: [0]: nothing proves who this is: give it one of ticket, password,"),
        ("- {authid: joe, rol: user, ticket: hunter2}", '1:17: [0].rol: unknown key; did you mean "role"?'),
        (
            "- {authid: joe, role: usr, ticket: hunter2}",
            '1:23: [0].role: the realm has no role "usr"; did you mean "user"?',
        ),
        ("- {authid: joe, role: user, ticket: 17}", "1:37: [0].ticket: expected a secret:"),
        (PEOPLE + PEOPLE, '2:12: [1].authid: there is another principal "joe"'),
        ("- {authid: joe, role: user, ticket: hunter2, keys: [00]}", "1:53: [0].keys[0]: not an Ed25519 public key"),
        (
            f"- {{authid: joe, role: user, keys: [{'1' * 64}]}}",
            "1:35: [0].keys: no method uses this: the realm's auth does",
        ),
        (
            "- {authid: j.e, role: personal, ticket: hunter2}",
            "1:12: [0].authid: not one component of a URI, and rules of",
        ),
        (
            "- {authid: joe, role: user, ticket: '${NONE}'}",
            "1:37: [0].ticket: the environment variable NONE is not set",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(config, people, problem):
    config.write(people, "people.yaml")
    found = config.problems(GOOD)
    assert found[-1].startswith(f"people.yaml:{problem}")
    assert "hunter2" not in str(found)


def test_everything_that_is_wrong_is_told_at_once(config):
    config.write("- {authid: joe}\n- {role: usr, ticket: x}\n", "people.yaml")
    config.write("- 5\n", "more.yaml")
    found = config.problems(GOOD.replace("[people.yaml]", "[people.yaml, more.yaml]").replace("ticket:", "tiket:"))
    assert {line.partition(":")[0] for line in found} == {"config.yaml", "people.yaml", "more.yaml"}
    assert any('tiket: unknown key; did you mean "ticket"?' in line for line in found)
    assert not any("no method uses this" in line for line in found)


def test_mistakes_in_the_roles_are_not_told_twice(config):
    config.write(PEOPLE, "people.yaml")
    (found,) = config.problems(GOOD.replace("{name: user}", "{nam: user}"))
    assert found.endswith('roles[0].nam: unknown key; did you mean "name"?')


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        (None, 'cannot read "people.yaml": No such file or directory'),
        (0o644, '"people.yaml" is open to other users (mode 0644); chmod o= it'),
    ],
)
def test_a_file_is_there_and_closed_to_others(config, mode, problem):
    if mode is not None:
        config.write(PEOPLE, "people.yaml", mode=mode)
    (found,) = config.problems(GOOD)
    assert found.startswith("config.yaml:")
    assert found.endswith(f": realms[0].auth.files[0]: {problem}")


def test_a_file_is_named_once(config):
    config.write(PEOPLE, "people.yaml")
    twice = GOOD.replace("[people.yaml]", "[people.yaml, ./people.yaml]")
    assert config.problem(twice) == "realms[0].auth.files[1]: this file is here twice"


def test_files_may_name_variables_and_other_files(config):
    config.write("!include more.yaml", "people.yaml")
    config.write("- {authid: joe, role: user, ticket: '${TICKET}'}", "more.yaml")
    assert config.load(GOOD, TICKET="hunter2")


def test_who_keeps_principals_in_the_store_has_one(config):
    config.write(PEOPLE, "people.yaml")
    found = config.problem(GOOD.replace("store: {file: wampd.sqlite}", "log: {}"))
    expected = 'there is no store; the configuration wants "store: {file: wampd.sqlite}" beside "realms"'
    assert found == f"realms[0].auth.store: {expected}"


def test_two_realms_of_one_name_do_not_share_the_store(config):
    config.write(PEOPLE, "people.yaml")
    realm = CONFIG.partition("realms:\n")[2]
    both = CONFIG + realm.replace("name: realm1", "name: realm1\n    match: prefix") + LISTENER
    assert config.problem(both) == 'realms[1].auth.store: the principals of another realm "realm1" are in the store'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("store: {file: none/wampd.sqlite}", 'store.file: there is no directory "none"'),
        ("store: {}", "store.file: this key is missing"),
        ("store: wampd.sqlite", "store: expected a mapping with the key file"),
        ("store: {file: open.sqlite}", 'store.file: "open.sqlite" is open to other users (mode 0644); chmod o= it'),
        ("store: {file: people.yaml}", 'store.file: "people.yaml" is not an SQLite database'),
    ],
)
def test_the_store_is_a_file_that_can_be(config, line, problem):
    config.write(PEOPLE, "people.yaml")
    config.write(b"", "open.sqlite", mode=0o644)
    assert config.problem(GOOD.replace("store: {file: wampd.sqlite}", line)) == problem


def test_nothing_of_sqlite_is_loaded_to_check_a_configuration(config):
    import subprocess
    import sys

    config.write(PEOPLE, "people.yaml")
    file = config.write(GOOD)
    program = (
        "import os, sys; from pathlib import Path; from wampd.router.settings import load\n"
        f"load(Path({str(file)!r}), os.environ); sys.exit('apsw' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False).returncode == 0
