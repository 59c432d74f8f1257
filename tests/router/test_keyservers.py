"""Keys that are fetched: when, how often, and what counts when they cannot be; the clock is the test's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from tests.support.overheard import overheard, text
from tests.support.tokens import jwk, key_set_text
from wampd.auth.jwk import KeySet, UnusableKeyError, key_set
from wampd.auth.methods import Failed
from wampd.auth.questions import FindKeys
from wampd.router.fetching import FetchError
from wampd.router.keyservers import MOST_WAITING, FetchedKeys, provided_set
from wampd.router.settings.auth import Auth
from wampd.router.settings.jwt import Jwks, JwtAuth, JwtRole
from wampd.router.settings.realms import Realm, Role
from wampd.router.stores.watched import Unusable
from wampd.router.tally import Tally
from wampd.router.wiring.tokens import Tokens

OLD = key_set(key_set_text(jwk("ES256", "old")))
NEW = key_set(key_set_text(jwk("ES256", "old"), jwk("ES256 2", "new")))
SOURCE = "https://keys.example.com/"


class House:
    """Keys on a server that answers as the test says."""

    def __init__(self, answer: KeySet | Exception | None = OLD, **times: float) -> None:
        self.clock = Clock()
        self.answer = answer
        self.fetched_at: list[float] = []
        self.under_way: list[Deferred[KeySet]] = []
        self.in_vain = 0
        self.keys = FetchedKeys(
            self.clock, self.fetch, SOURCE, **{"refresh": 3600, "pause": 30, "keep": 86400, **times}, failed=self.failed
        )

    def failed(self) -> None:
        self.in_vain += 1

    def fetch(self) -> Deferred[KeySet]:
        self.fetched_at.append(self.clock.seconds())
        if self.answer is None:
            self.under_way.append(Deferred())
            return self.under_way[-1]
        return fail(self.answer) if isinstance(self.answer, Exception) else succeed(self.answer)

    def ask(self, kid: str | None = "old") -> Any:
        """The names of the keys that are found, or a list that will hold them, or `Failed`."""
        found = self.keys.find(FindKeys(self.keys, kid))
        if not isinstance(found, Deferred):
            return _names(found)
        later: list[Any] = []
        found.addCallback(lambda found: later.append(_names(found)))
        return later


def _names(found: Any) -> Any:
    return found if isinstance(found, Failed) else [key.kid for key in found]


@pytest.fixture(autouse=True)
def said():
    """What is logged."""
    with overheard(lambda event: f"{event['log_level'].name}: {text(event)}") as lines:
        yield lines


def test_keys_are_fetched_at_the_start_and_again_after_a_while(said):
    house = House()
    house.keys.start()
    assert house.ask() == ["old"]
    house.answer = NEW
    house.clock.advance(3599)
    assert house.fetched_at == [0]
    house.clock.advance(1)
    assert house.fetched_at == [0, 3600]
    assert house.ask("new") == ["new"]
    assert house.ask(None) == ["old", "new"]
    assert said == [f"info: 1 keys of {SOURCE}", f"info: 2 keys of {SOURCE}"]


def test_a_token_with_a_new_key_makes_the_keys_be_fetched_and_waits_for_them():
    house = House()
    house.keys.start()
    house.clock.advance(100)
    house.answer = None
    first, second = house.ask("new"), house.ask("new")
    assert house.ask("old") == ["old"], "what is known need not wait"
    assert first == second == []
    house.under_way[0].callback(NEW)
    assert (first, second) == ([["new"]], [["new"]])
    assert house.fetched_at == [0, 100]


@pytest.mark.trap(16)
def test_forged_names_of_keys_do_not_make_a_storm():
    house = House()
    house.keys.start()
    for second in range(300):
        for kid in ("forged", f"forged {second}"):
            assert house.ask(kid) == []
        house.clock.advance(1)
    assert len(house.fetched_at) <= 11
    gaps = [later - earlier for earlier, later in zip(house.fetched_at, house.fetched_at[1:], strict=False)]
    assert min(gaps) >= 30


def test_what_was_fetched_counts_while_the_server_is_down_until_it_is_too_old(said):
    house = House(refresh=100, keep=300)
    house.keys.start()
    house.answer = FetchError("no answer")
    house.clock.advance(100)
    assert house.ask() == ["old"]
    assert said[-1] == f"error: no keys of {SOURCE}: no answer"
    house.clock.pump([10] * 20)
    assert house.fetched_at[1:5] == [100, 130, 160, 190], "it is tried again soon"
    assert house.ask() == ["old"]
    house.clock.advance(1)
    assert house.ask() == Failed(f"the keys of {SOURCE} are too old")
    assert house.in_vain == len(house.fetched_at) - 1
    house.answer = NEW
    house.clock.advance(30)
    assert house.ask("new") == ["new"]


@pytest.mark.parametrize(
    "trouble", [FetchError("no answer"), UnusableKeyError("it is no JWK Set"), RuntimeError("bug")]
)
def test_without_any_keys_nobody_knows(trouble):
    house = House(trouble)
    house.keys.start()
    for kid in ("old", None):
        assert house.ask(kid) == Failed(f"there are no keys of {SOURCE}")
    assert house.fetched_at == [0]
    house.answer = OLD
    house.clock.advance(30)
    assert house.ask() == ["old"]


def test_a_fetch_that_cannot_even_begin_is_in_vain():
    def broken() -> Deferred[KeySet]:
        raise FetchError("no such thing")

    house = House()
    house.keys._fetch = broken
    assert house.ask() == Failed(f"there are no keys of {SOURCE}")


def test_those_who_wait_while_nothing_comes_are_told(said):
    house = House(None)
    house.keys.start()
    waiting = house.ask()
    house.under_way[0].errback(FetchError("it took too long"))
    assert waiting == [Failed(f"there are no keys of {SOURCE}")]


def test_those_who_wait_are_bounded_and_may_leave():
    house = House(None)
    house.keys.start()
    for _ in range(MOST_WAITING - 1):
        house.keys.find(FindKeys(house.keys, "old"))
    leaving = house.keys.find(FindKeys(house.keys, "old"))
    assert house.ask() == Failed(f"{MOST_WAITING} clients wait for the keys of {SOURCE} already")
    leaving.addErrback(lambda _: None)
    leaving.cancel()
    instead = house.keys.find(FindKeys(house.keys, "old"))
    assert not instead.called
    assert house.ask() == Failed(f"{MOST_WAITING} clients wait for the keys of {SOURCE} already")
    house.under_way[0].callback(OLD)
    assert instead.called
    assert house.ask() == ["old"]


def test_a_key_that_is_taken_back_counts_no_more_after_the_next_fetch():
    house = House(NEW)
    house.keys.start()
    assert house.ask("new") == ["new"]
    house.answer = OLD
    house.clock.advance(3600)
    assert house.ask("new") == []


def test_keys_that_are_left_out_are_logged(said):
    house = House(key_set(key_set_text(jwk("ES256", "a"), {"kty": "oct", "k": "aHVudGVyMg"})))
    house.keys.start()
    assert said[-1].startswith(f"info: a key of {SOURCE} is left out: key 1: it is secret")


# --- OpenID Connect

ISSUER = "https://login.example.com/app"


def provider(**more: Any) -> dict[str, Any]:
    return {"issuer": ISSUER, "jwks_uri": "https://keys.example.com/", **more}


def provided(described: Any, issuer: str = ISSUER, *, insecure: bool = False) -> tuple[Any, list[str]]:
    """What comes of a provider that describes itself so, and what was fetched."""
    import json

    asked: list[str] = []
    text = described if isinstance(described, bytes) else json.dumps(described).encode()

    def get(url: str) -> Deferred[bytes]:
        asked.append(url)
        return succeed(text if "/.well-known/" in url else key_set_text(jwk("ES256", "a")))

    results: list[Any] = []
    provided_set(get, issuer, insecure=insecure).addCallbacks(results.append, lambda why: results.append(why.value))
    return results[0], asked


@pytest.mark.parametrize("issuer", [ISSUER, ISSUER + "/"])
def test_a_provider_tells_where_its_keys_are(issuer):
    found, asked = provided(provider(issuer=issuer), issuer)
    assert [key.kid for key in found.keys] == ["a"]
    assert asked == [f"{ISSUER}/.well-known/openid-configuration", "https://keys.example.com/"]


@pytest.mark.parametrize(
    ("described", "why"),
    [
        (b"<html>", "does not describe itself in JSON"),
        (b"[]", "does not describe itself in JSON"),
        (b"[" * 100_000, "does not describe itself in JSON"),
        (provider(issuer=None), "calls itself something else"),
        (provider(issuer=ISSUER + "/"), "calls itself something else"),
        (provider(issuer="https://evil.example.com"), "calls itself something else"),
        (provider(jwks_uri=None), "does not say where its keys are"),
        (provider(jwks_uri=["https://keys.example.com/"]), "does not say where its keys are"),
        (provider(jwks_uri="http://keys.example.com/"), "over http: anybody on the way"),
        (provider(jwks_uri="file:///etc/keys"), "write it like https://"),
        (provider(jwks_uri="https://keys.example.com/\r\nX: y"), "holds characters that a URL has not"),
    ],
)
def test_a_provider_that_is_not_what_it_should_be_has_no_keys(described, why):
    found, asked = provided(described)
    assert isinstance(found, FetchError)
    assert why in str(found)
    assert len(asked) == 1


def test_keys_over_plain_http_must_be_allowed():
    found, _ = provided(provider(jwks_uri="http://keys.example.com/"), insecure=True)
    assert isinstance(found, KeySet)


# --- files that are not what they were when they were checked


@pytest.mark.parametrize(
    "auth",
    [
        {"public_key": "none"},
        {"public_key": "text"},
        {"jwks": {"file": "none"}},
        {"jwks": {"file": "text"}},
        {"jwks": {"url": "https://keys.example.com/", "ca": "none"}},
    ],
    ids=str,
)
def test_a_file_that_cannot_be_used_any_more_is_told_and_nothing_started(tmp_path, auth):
    (tmp_path / "text").write_text("hunter2")
    files = {
        key: tmp_path / value if key == "public_key" else Jwks(**{**value, **_in(tmp_path, value)})
        for key, value in auth.items()
    }
    realm = Realm(name="realm1", roles=(Role(name="user"),), auth=Auth())
    tokens = Tokens(Clock(), Tally(Clock()), [], [])
    with pytest.raises(Unusable) as caught:
        tokens.method(realm, JwtAuth(**files, role=JwtRole(default="user")))
    assert str(tmp_path) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def _in(directory: Path, names: dict[str, str]) -> dict[str, Path]:
    return {key: directory / name for key, name in names.items() if key in ("file", "ca")}
