"""The procedures ``wampd.hook.*`` of one realm.

Rules
-----
* Who may call them is a matter of roles. Beyond that, to register under a key one must be allowed to subscribe to its topic,
  and to post under it to publish there: a webhook is no way round permissions.
* Whoever is not disclosed to the router (``disclose: never``) owns nothing, and is refused.
* What a procedure says of registrations of others is what it says of those that do not exist.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from wampd.realms.grants import NOT_AUTHORIZED, Action
from wampd.realms.limits import UNAVAILABLE
from wampd.realms.services import INVALID_ARGUMENT, Arguments, Refused
from wampd.realms.timestamps import rfc3339
from wampd.router.hooks.arguments import Key, One, Register, Renew, Unregister, options_of, posted
from wampd.router.hooks.courier import Accepted, Courier, Overfull
from wampd.router.hooks.filters import FilterError, read_filter
from wampd.router.hooks.ledger import DeadLetter
from wampd.router.hooks.registry import Hook, TooMany, is_key
from wampd.router.hooks.sending import write_body
from wampd.router.inside.insider import Handler, Refusal, Reply
from wampd.router.inside.together import together
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.signing import read_secret, write_secret
from wampd.router.outgoing.targets import read_target

if TYPE_CHECKING:
    from wampd.router.outgoing.client import Client

NO_SUCH_HOOK: Final = "wampd.error.no_such_hook"
NOT_REACHED: Final = "wampd.error.hook_not_reached"
TOO_LARGE: Final = "wamp.error.payload_size_exceeded"
MOST_LISTED: Final = 1_000
"""Entries of one answer."""
MOST_PROBES: Final = 16
"""Pings and challenges at once."""
MOST_PROBES_OF_ONE: Final = 4
"""Those of one principal: URLs may take their time, and others want to try theirs."""


A = TypeVar("A", bound=Arguments)
Permitted = Callable[[int, Action, str], bool]
"""Whether the session of an id may do something with a topic."""


class Caller(Struct, frozen=True):
    """Who calls."""

    session: int
    authid: str
    role: str
    is_privileged: bool


class Procedures:
    """What is served of one realm."""

    def __init__(
        self,
        courier: Courier,
        client: Client,
        *,
        wall: Callable[[], float],
        topic_prefix: str,
        longest: float,
        challenge: bool,
        privileged: frozenset[str],
        permitted: Permitted,
        is_kept: Callable[[int], bool],
        publish: Callable[[str, Raw, Raw], object],
    ) -> None:
        """``longest`` is the time to live in seconds of those who ask for none, and the most; ``privileged`` are roles.

        ``is_kept`` tells whether the session of an id is of a principal that is kept; ``publish`` tells WAMP's subscribers of
        an event that was posted.
        """
        self._courier = courier
        self._client = client
        self._wall = wall
        self._prefix = topic_prefix
        self._longest = longest
        self._challenge = challenge
        self._privileged = privileged
        self._permitted = permitted
        self._is_kept = is_kept
        self._publish = publish
        self._probes: Counter[str] = Counter()

    def all(self) -> Mapping[str, Handler]:
        """The procedures by URI."""
        return {
            "wampd.hook.register": self._taking(Register, self._register),
            "wampd.hook.unregister": self._taking(Unregister, self._unregister),
            "wampd.hook.renew": self._taking(Renew, self._renew),
            "wampd.hook.list": self._taking(Key, self._list),
            "wampd.hook.test": self._taking(One, self._test),
            "wampd.hook.deliveries": self._taking(One, self._deliveries),
            "wampd.hook.dead": self._taking(Key, self._dead),
            "wampd.hook.redeliver": self._redeliver,
            "wampd.hook.post": self._post,
        }

    def _taking(self, takes: type[A], serve: Callable[[Caller, A], Any]) -> Handler:
        def handler(call: Reply) -> Any:
            try:
                return serve(self._caller(call), takes.take(call.values(), call.named()))
            except Refused as why:
                raise Refusal(why.uri, why.reason) from None

        return handler

    def _caller(self, call: Reply) -> Caller:
        details = call.details
        if "caller" not in details:
            raise Refusal(NOT_AUTHORIZED, "the caller must be disclosed")
        role = details["caller_authrole"]
        return Caller(details["caller"], details["caller_authid"], role, role in self._privileged)

    # ----------------------------------------------------------------------------------------------------- registrations

    def _register(self, caller: Caller, given: Register) -> Any:
        options = options_of(given)
        self._check_key(caller, given.key, "subscribe")
        try:
            url = self._client.check(given.url)
        except OutgoingError as why:
            raise Refusal(INVALID_ARGUMENT, why.text) from None
        registry = self._courier.registry
        known = registry.at(caller.authid, given.key, url)
        if known is None:
            self._check_room(caller.authid, given.key)
        try:
            key = None if options.secret is None else read_secret(options.secret)
            wanted = None if options.filter is None else read_filter(options.filter)
        except (FilterError, ValueError) as why:
            raise Refusal(INVALID_ARGUMENT, str(why)) from None
        now = self._wall()
        target = read_target(url)
        hook = Hook(
            id=f"hook{secrets.token_hex(8)}" if known is None else known.id,
            key=given.key,
            url=url,
            host=f"{target.host}:{target.port}",
            secret=key or (secrets.token_bytes(32) if known is None else known.secret),
            owner=caller.authid,
            filter=wanted if wanted is not None else {} if known is None else dict(known.filter),
            created=now if known is None else known.created,
            expires=now + self._ttl(options.ttl),
            is_of_kept=self._is_kept(caller.session),
            role=caller.role,
        )
        told = {**self._shown(hook), **({"secret": write_secret(hook.secret)} if key is None and known is None else {})}
        if known is None and self._challenge:
            return self._challenged(hook).addCallback(lambda _: self._put(hook, told))
        return self._put(hook, told)

    def _put(self, hook: Hook, told: dict[str, Any]) -> Deferred[Any]:
        same = self._courier.registry.at(hook.owner, hook.key, hook.url)
        if same is not None and same.id != hook.id:  # registered while the challenge was on its way
            raise Refusal(UNAVAILABLE, "the URL is being registered")
        if same is None:  # others may have come meanwhile
            self._check_room(hook.owner, hook.key)
        return self._courier.put(hook).addCallbacks(lambda _: told, _not_kept)

    def _check_room(self, owner: str, key: str) -> None:
        try:
            self._courier.registry.check_room(owner, key)
        except TooMany as why:
            raise Refusal(UNAVAILABLE, str(why)) from None

    def _challenged(self, hook: Hook) -> Deferred[None]:
        """Ask a URL whether it wants to be registered: it must answer with what it is sent."""
        nonce = secrets.token_urlsafe(24)
        asked = self._probe(hook, "wampd.hook.challenge", {"challenge": nonce})

        def answered(response: Any) -> None:
            if response.status // 100 != 2 or nonce.encode() not in response.body:
                raise Refusal(NOT_REACHED, "the URL did not answer the challenge")

        return asked.addCallback(answered)

    def _unregister(self, caller: Caller, given: Unregister) -> Any:
        if given.url is None:
            hook = self._own(caller, given.id)
        else:
            try:
                found = self._courier.registry.at(caller.authid, given.id, read_target(given.url).url)
            except OutgoingError:
                found = None
            if found is None:
                raise Refusal(NO_SUCH_HOOK, "there is no such registration")
            hook = found
        return self._courier.remove(hook).addCallbacks(lambda _: None, _not_kept)

    def _renew(self, caller: Caller, given: Renew) -> Any:
        hook = self._own(caller, given.id)
        role = caller.role if caller.authid == hook.owner else hook.role
        renewed = msgspec.structs.replace(hook, expires=self._wall() + self._ttl(given.ttl), role=role)
        return self._courier.put(renewed).addCallbacks(lambda _: self._shown(renewed), _not_kept)

    def _list(self, caller: Caller, given: Key) -> list[dict[str, Any]]:
        return [self._shown(hook) for hook in self._visible(caller, given.key)[:MOST_LISTED]]

    # -------------------------------------------------------------------------------------------------------- deliveries

    def _test(self, caller: Caller, given: One) -> Any:
        hook = self._own(caller, given.id)

        def failed(failure: Failure) -> dict[str, Any]:
            failure.trap(OutgoingError)
            why: Any = failure.value
            return {"status": None, "reason": why.reason}

        asked = self._probe(hook, "wampd.hook.ping", {})
        return asked.addCallbacks(lambda response: {"status": response.status, "reason": None}, failed)

    def _probe(self, hook: Hook, kind: str, data: dict[str, Any]) -> Deferred[Any]:
        if self._probes.total() >= MOST_PROBES or self._probes[hook.owner] >= MOST_PROBES_OF_ONE:
            raise Refusal(UNAVAILABLE, "too many URLs are being tried")
        self._probes[hook.owner] += 1
        body = write_body(kind, self._wall(), data)

        def ended(result: Any) -> Any:
            self._probes[hook.owner] -= 1
            if not self._probes[hook.owner]:
                del self._probes[hook.owner]
            if kind.endswith("challenge") and isinstance(result, Failure) and result.check(OutgoingError):
                return Failure(Refusal(NOT_REACHED, "the URL did not answer the challenge"))
            return result

        return self._courier.sending.ask(hook, f"msg{secrets.token_hex(12)}", body).addBoth(ended)

    def _deliveries(self, caller: Caller, given: One) -> list[dict[str, Any]]:
        hook = self._own(caller, given.id)
        return [
            {
                "delivery": each.delivery,
                "attempt": each.attempt,
                "at": _moment(each.at),
                "seconds": round(each.seconds, 3),
                "outcome": each.outcome,
            }
            for each in self._courier.attempts.of(hook.id)
        ]

    def _dead(self, caller: Caller, given: Key) -> list[dict[str, Any]]:
        hooks = {hook.id: hook for hook in self._visible(caller, given.key)}
        letters = []
        for letter in self._courier.ledger.dead_of(hooks):
            letters.append(_dead_letter(letter, hooks[letter.hook]))
            if len(letters) == MOST_LISTED:
                break
        return letters

    def _redeliver(self, call: Reply) -> Any:
        """Let dead letters be delivered, by their ids; how many there were."""
        caller = self._caller(call)
        ids = call.values()
        if len(ids) == 1 and isinstance(ids[0], list):
            (ids,) = ids
        if call.named() or not all(isinstance(each, str) for each in ids) or len(ids) > MOST_LISTED:
            raise Refusal(INVALID_ARGUMENT, f"the procedure takes at most {MOST_LISTED} ids of deliveries")
        letters = []
        for each in dict.fromkeys(ids):
            letter = self._courier.ledger.dead(each)
            if letter is None:
                raise Refusal(NO_SUCH_HOOK, "there is no such dead letter")
            self._own(caller, letter.hook)
            letters.append(letter)
        return together(map(self._courier.redeliver, letters)).addCallbacks(len, _not_kept)

    # ------------------------------------------------------------------------------------------------------------- posts

    def _post(self, call: Reply) -> Any:
        """An event under a key, which is on the disk when the answer comes: ``(key, args, kwargs)``."""
        caller = self._caller(call)
        given = posted(call)
        self._check_key(caller, given.key, "publish")
        accepted = self._courier.accept(given.key, given.args, given.kwargs)

        def done(taken: Accepted) -> dict[str, Any]:
            self._publish(self._prefix + given.key, given.args, given.kwargs)
            return {"event": taken.event, "deliveries": taken.deliveries}

        return accepted.addCallbacks(done, _not_accepted)

    # ------------------------------------------------------------------------------------------------------------ common

    def _check_key(self, caller: Caller, key: str, action: Action) -> None:
        if not is_key(key):
            raise Refusal(INVALID_ARGUMENT, "a key is made of letters, digits, _ and -, with dots between")
        if not self._permitted(caller.session, action, self._prefix + key):
            raise Refusal(NOT_AUTHORIZED, f"it needs the permission to {action} {self._prefix}{key}")

    def _own(self, caller: Caller, hook_id: str) -> Hook:
        """A registration that the caller may do something with."""
        hook = self._courier.registry.get(hook_id)
        if hook is None or not (caller.is_privileged or hook.owner == caller.authid):
            raise Refusal(NO_SUCH_HOOK, "there is no such registration")
        return hook

    def _visible(self, caller: Caller, key: str | None) -> list[Hook]:
        registry = self._courier.registry
        hooks = list(registry) if key is None else registry.under(key)
        return hooks if caller.is_privileged else [hook for hook in hooks if hook.owner == caller.authid]

    def _ttl(self, wanted: float | None) -> float:
        if wanted is None:
            return self._longest
        if not 0 < wanted <= self._longest:
            raise Refusal(INVALID_ARGUMENT, f"a ttl is more than 0 and at most {self._longest:.0f} seconds")
        return wanted

    def _shown(self, hook: Hook) -> dict[str, Any]:
        return {
            "id": hook.id,
            "key": hook.key,
            "topic": self._prefix + hook.key,
            "url": hook.url,
            "owner": hook.owner,
            "filter": hook.filter,
            "created": _moment(hook.created),
            "expires": _moment(hook.expires),
            "pending": self._courier.agenda.count(hook.id),
            "host": self._courier.agenda.host_state(hook.host),
        }


def _dead_letter(letter: DeadLetter, hook: Hook) -> dict[str, Any]:
    return {
        "delivery": letter.id,
        "hook": hook.id,
        "key": hook.key,
        "url": hook.url,
        "attempts": letter.attempts,
        "why": letter.why,
        "at": _moment(letter.at),
    }


def _not_kept(failure: Failure) -> Any:
    """The store has said what is wrong with it."""
    if failure.check(Refusal):
        return failure
    raise Refusal(UNAVAILABLE, "the store does not take it")


def _not_accepted(failure: Failure) -> Any:
    why = failure.value
    if isinstance(why, Overfull):
        raise Refusal(TOO_LARGE if why.too_large else UNAVAILABLE, str(why))
    return _not_kept(failure)


def _moment(seconds: float) -> str:
    return rfc3339(round(seconds * 1_000_000), 3)
