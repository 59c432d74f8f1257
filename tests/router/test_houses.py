"""Houses that are made anew: what is the same is taken over from the house before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from wampd.auth.questions import NOBODY, FindAccount
from wampd.router.realms import Realms
from wampd.router.settings import load
from wampd.router.settings.realms import Realm
from wampd.router.stores.watched import Unusable
from wampd.router.wiring import houses
from wampd.router.wiring.houses import Builder, House
from wampd.router.wiring.places import same_roles

CONFIG = """
realms:
  - name: realm1
    roles:
      - name: user
        permissions: [{uri: com., match: prefix, allow: [call]}]
      - {name: guest}
    auth:
      scram: {kdf: pbkdf2, iterations: 1000}
      principals:
        - {authid: joe, role: user, password: hunter2}
        - {authid: jim, role: user, password: hunter2}
listeners: [{endpoint: tcp:0, rawsocket: {}}]
"""


@pytest.fixture
def builder() -> Builder:
    return Builder(Clock(), Realms(Clock(), "wampd"), {}, None)


def realm(tmp_path: Path, *changes: tuple[str, str]) -> Realm:
    text = CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return load(file, {}).realms[0]


def account(house: House, authid: str) -> Any:
    return house.accounts.find(FindAccount(house.accounts, "authid", authid, "", NOBODY))


def test_a_realm_that_is_the_same_has_the_same_house(builder, tmp_path):
    house = builder.house(realm(tmp_path), None)
    assert builder.house(realm(tmp_path), None, house) is house


def test_accounts_that_are_the_same_are_not_derived_again_and_nobody_is_concerned(builder, tmp_path, monkeypatch):
    derived: list[str] = []
    scram_keys = houses.Proofs._scram_keys

    def counting(proofs: Any, principal: Any, password: Any) -> Any:
        derived.append(principal.authid)
        return scram_keys(proofs, principal, password)

    monkeypatch.setattr(houses.Proofs, "_scram_keys", counting)
    first = builder.house(realm(tmp_path), None)
    assert derived == ["joe", "jim"]
    second = builder.house(realm(tmp_path, ("allow: [call]", "allow: [publish]")), None, first)
    assert second is not first
    assert derived == ["joe", "jim"]
    assert second.concerned(first) == set()
    third = builder.house(realm(tmp_path, ("authid: jim, role: user", "authid: jim, role: guest")), None, second)
    assert derived == ["joe", "jim", "jim"]
    assert third.concerned(second) == {"jim"}
    assert account(third, "jim").role == "guest"


def test_a_question_that_is_asked_later_is_answered_by_the_house_that_there_is_then(builder, tmp_path):
    first = builder.house(realm(tmp_path), None)
    first.move_in()
    later = first.lasting
    joe = ("        - {authid: joe, role: user, password: hunter2}\n", "")
    second = builder.house(realm(tmp_path, joe), None, first)
    assert account(first, "joe") is later.find(FindAccount(later, "authid", "joe", "", NOBODY))
    second.move_in()
    assert later.find(FindAccount(later, "authid", "joe", "", NOBODY)) is None
    third = builder.house(realm(tmp_path), None, second)
    third.move_in()
    assert later.find(FindAccount(later, "authid", "joe", "", NOBODY)) == account(first, "joe")


def test_salts_stay_unless_somebody_chooses_what_they_are_made_of(builder, tmp_path):
    first = builder.house(realm(tmp_path), None)
    salt = account(first, "joe").scram[0].salt
    second = builder.house(realm(tmp_path, ("iterations: 1000", "iterations: 2000")), None, first)
    assert account(second, "joe").scram[0].salt == salt
    assert account(second, "joe").scram[0].iterations == 2000
    assert second.concerned(first) is None
    chosen = "mock_secret: hunter2-hunter2-hunter2\n      scram"
    third = builder.house(realm(tmp_path, ("scram", chosen)), None, second)
    assert account(third, "joe").scram[0].salt != salt


def test_a_file_that_is_the_same_is_not_read_again_and_one_that_cannot_be_used_makes_no_house(builder, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("- {authid: ann, role: user, password: hunter2}\n")
    more.chmod(0o600)
    files = ("principals:\n", f"files: [{more}]\n      principals:\n")
    first = builder.house(realm(tmp_path, files), None)
    assert account(first, "ann").role == "user"
    second = builder.house(realm(tmp_path, files, ("allow: [call]", "allow: []")), None, first)
    assert second.files == first.files
    assert second.concerned(first) == set()
    third = builder.house(realm(tmp_path), None, second)
    assert third.concerned(second) is None
    assert account(third, "ann") is None
    settings = realm(tmp_path, files)
    more.write_text("- {authid: ann, role: nobody}\n")
    with pytest.raises(Unusable, match="nobody"):
        builder.house(settings, None, third)


def test_roles_are_the_same_as_long_as_all_that_they_mean_is(tmp_path):
    old = realm(tmp_path)
    assert same_roles(old, realm(tmp_path)) == ["user", "guest"]
    assert same_roles(old, realm(tmp_path, ("allow: [call]", "allow: []"))) == ["guest"]
    assert same_roles(old, realm(tmp_path, ("{name: guest}", "{name: other}"))) == ["user"]
    assert same_roles(old, realm(tmp_path, ("    roles:", "    uri_check: strict\n    roles:"))) == []
    assert same_roles(old, realm(tmp_path, ("    roles:", "    denial: authorization_denied\n    roles:"))) == []
    assert same_roles(old, realm(tmp_path, ("    roles:", "    limits: {uri_length: 99}\n    roles:"))) == []
