"""Delivers events to registered URLs: the shell round the agenda, the ledger and the registry of one realm.

Rules
-----
* An event is accepted when it is on the disk with its deliveries; only then is the first attempt made. What an attempt came
  to is written behind it, so after a crash an attempt may be made again: each delivery is made at least once, always with the
  same ``webhook-id``.
* Bodies are not kept in memory: they are read from the store for each attempt.
* What is pending is bounded: of a hook and of a principal (what is more becomes a dead letter at once), and of all (then no
  event is accepted).
* Redirections are not followed: whoever registers a URL says where the events go.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw, Struct
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.hooks.agenda import Agenda, Delivery
from wampd.router.hooks.attempts import Attempt, Attempts
from wampd.router.hooks.breaker import HostRules
from wampd.router.hooks.keeping import Keeping, Kept, Pending
from wampd.router.hooks.ledger import DeadLetter, Ledger
from wampd.router.hooks.registry import Bounds, Hook, Registry, wanting
from wampd.router.hooks.sending import Sending, write_body
from wampd.router.hooks.verdicts import Again, Dead, Gone, Outcome, Patience, judge

if TYPE_CHECKING:
    from wampd.realms.publications import Audience
    from wampd.router.outgoing.client import Client

log = Logger()

OVERFLOW: Final = "overflow"
LOST: Final = Outcome(reason="lost")
"""The event is not in the store, where somebody else has been."""
SWEEP: Final = 30.0
"""Seconds between two looks for registrations whose time is up, at most: the clock on the wall may be set."""
MOMENT: Final = 0.01
"""Seconds between two looks at least."""
SWEPT: Final = 100
"""Registrations that end in one look, so that nobody else waits for long."""
EMPTY_ARGS: Final = Raw(b"[]")
EMPTY_KWARGS: Final = Raw(b"{}")


class Rules(Struct, frozen=True):
    """How deliveries are made."""

    patience: Patience = Patience()
    hosts: HostRules = HostRules()
    bounds: Bounds = Bounds()
    at_once: int = 100
    timeout: float = 15.0
    """Seconds of an attempt."""
    pending: int = 100_000
    pending_per_hook: int = 1_000
    pending_per_owner: int = 20_000
    event_size: int = 256 * 1024
    size: int = 256 * 1024 * 1024
    dead_letters: int = 10_000
    logged: int = 50
    """Attempts of a hook that are remembered."""


class Outside(Struct, frozen=True):
    """What it needs of the world."""

    clock: Any
    """``IReactorTime``."""
    wall: Callable[[], float]
    chance: Callable[[], float]
    client: Client
    keeping: Keeping
    strike: Callable[[str], None]
    """Counts a misfortune."""


class Overfull(Exception):
    """An event is not accepted: too much is kept already, or it is too large by itself."""

    def __init__(self, text: str, *, too_large: bool = False) -> None:
        super().__init__(text)
        self.too_large = too_large


class Accepted(Struct, frozen=True):
    """An event that is on the disk."""

    event: str
    deliveries: int


class Courier:
    """Delivers the events of one realm."""

    def __init__(self, rules: Rules, outside: Outside) -> None:
        self.rules = rules
        self.registry = Registry(rules.bounds)
        self.ledger = Ledger(rules.size, rules.dead_letters)
        self.agenda = Agenda(rules.hosts, rules.at_once)
        self.attempts = Attempts(rules.logged)
        self.sending = Sending(outside.client, outside.wall, rules.timeout)
        self._outside = outside
        self._keeping = outside.keeping
        self._number = 0
        self._coming: dict[str, int] = {}
        """Deliveries that are being written down, by hook."""
        self._running: dict[str, Deferred[Any]] = {}
        self._timer: Any = None
        self._sweeper: Any = None
        self._stopped = False

    # --------------------------------------------------------------------------------------------------------- life

    def start(self, kept: Kept) -> None:
        """Go on with what is kept."""
        for hook in kept.hooks:
            self.registry.put(hook)
            self.agenda.open(hook.id, hook.host)
        counts: dict[str, int] = {}
        deliveries: list[Pending | DeadLetter] = [*kept.pending, *kept.dead]
        for each in deliveries:
            counts[each.event] = counts.get(each.event, 0) + 1
            self._number = max(self._number, each.number)
        for event, size in kept.events:
            if counts.get(event):
                self.ledger.keep(event, size, counts[event])
        for pending in kept.pending:
            if self.registry.get(pending.hook) is None:
                self._forget(pending.event, pending.hook)
            else:
                self._add(pending)
        for letter in kept.dead:
            if self.registry.get(letter.hook) is None:
                self._forget(letter.event, letter.hook)
            else:
                self._bury(letter, keep=False)
        self._sweep(len(kept.hooks))

    def stop(self) -> None:
        """Give up what is under way: it stays pending."""
        self._stopped = True
        _cancel(self._timer)
        _cancel(self._sweeper)
        for running in list(self._running.values()):
            running.cancel()

    def _sweep(self, most: int = SWEPT) -> None:
        for hook in self.registry.expired(self._outside.wall(), most):
            self._done(self.remove(hook))
        self._sweep_in_time()
        self.pump()

    def _sweep_in_time(self) -> None:
        _cancel(self._sweeper)
        if not self._stopped:
            wait = self.registry.next_end() - self._outside.wall()
            self._sweeper = self._outside.clock.callLater(min(SWEEP, max(MOMENT, wait)), self._sweep)

    # ---------------------------------------------------------------------------------------------------- registrations

    def put(self, hook: Hook) -> Deferred[None]:
        """Take a registration; the Deferred fires when it is on the disk."""
        before = self.registry.get(hook.id)
        self.registry.put(hook)
        self._sweep_in_time()
        self.agenda.open(hook.id, hook.host)
        return self._keeping.put_hook(hook).addErrback(self._not_put, hook, before)

    def _not_put(self, failure: Failure, hook: Hook, before: Hook | None) -> Failure:
        """The store has not taken a registration: all is as it was."""
        if self.registry.get(hook.id) is hook:
            if before is None:
                self._done(self.remove(hook))
            else:
                self.registry.put(before)
        return failure

    def remove(self, hook: Hook) -> Deferred[None]:
        """Take a registration out, and all that is pending or dead of it."""
        self.registry.remove(hook.id)
        for delivery in self.agenda.close(hook.id):
            self.ledger.let_go(delivery.event)
        for letter in list(self.ledger.dead_of([hook.id])):
            self.ledger.raise_up(letter.id)
            self.ledger.let_go(letter.event)
        self.attempts.forget(hook.id)
        return self._keeping.remove_hook(hook.id)

    def amend(self, hook: Hook) -> None:
        """Know something else of a registration from now on. What the store has not taken is found out again."""
        self.registry.put(hook)
        self._done(self._keeping.put_hook(hook))

    def end(self, hook: Hook) -> None:
        """Take a registration out that its owner has not ended."""
        self._done(self.remove(hook))

    # ------------------------------------------------------------------------------------------------------------ events

    def accept(
        self, key: str, args: Raw | None, kwargs: Raw | None, audience: Audience | None = None
    ) -> Deferred[Accepted]:
        """Take an event; when the Deferred fires it is on the disk. It fails with `Overfull`, or with the store's error.

        ``audience`` are the lists of its receivers, if it has any.
        """
        event = f"evt{secrets.token_hex(12)}"
        now = self._outside.wall()
        hooks = [hook for hook in self.registry.under(key) if hook.expires > now]
        if audience is not None:
            hooks = [hook for hook in hooks if hook.is_for(audience)]
        if hooks:
            hooks = wanting(hooks, args, kwargs)
        if not hooks:
            return succeed(Accepted(event, 0))
        data = {"args": args or EMPTY_ARGS, "kwargs": kwargs or EMPTY_KWARGS}
        body = write_body(key, now, data)
        if len(body) > self.rules.event_size:
            return fail(Overfull(f"the event is longer than {self.rules.event_size} bytes", too_large=True))
        if not self._has_room(len(body), len(hooks)):
            self._outside.strike("events too many for webhooks")
            return fail(Overfull("too much waits to be delivered"))
        return self._write(event, body, hooks, now)

    def _has_room(self, size: int, deliveries: int) -> bool:
        coming = sum(self._coming.values())
        return self.agenda.pending + coming + deliveries <= self.rules.pending and self.ledger.has_room(size)

    def _write(self, event: str, body: bytes, hooks: Sequence[Hook], now: float) -> Deferred[Accepted]:
        self._number += 1
        pending: list[Pending] = []
        dead: list[DeadLetter] = []
        left: dict[str, int] = {}  # how much room there is for each owner
        for hook in hooks:
            if hook.owner not in left:
                left[hook.owner] = self.rules.pending_per_owner - sum(
                    map(self._count, self.registry.owned_by(hook.owner))
                )
            if self._count(hook.id) < self.rules.pending_per_hook and left[hook.owner] > 0:
                left[hook.owner] -= 1
                pending.append(Pending(event, hook.id, self._number, 0, now))
                self._coming[hook.id] = self._coming.get(hook.id, 0) + 1
            else:
                dead.append(DeadLetter(event, hook.id, self._number, 0, OVERFLOW, now))
                self._outside.strike("webhook deliveries that overflowed")
        self.ledger.keep(event, len(body), len(hooks))
        written = self._keeping.add_event(event, body, pending, dead)
        return written.addBoth(self._written, Accepted(event, len(hooks)), pending, dead)

    def _count(self, hook_id: str) -> int:
        """How much is pending for a hook, what is being written down included."""
        return self.agenda.count(hook_id) + self._coming.get(hook_id, 0)

    def _written(self, result: Any, accepted: Accepted, pending: list[Pending], dead: list[DeadLetter]) -> Any:
        """The event is on the disk, or is not."""
        for each in pending:
            self._coming[each.hook] -= 1
            if not self._coming[each.hook]:
                del self._coming[each.hook]
        failed = isinstance(result, Failure)
        deliveries: list[Pending | DeadLetter] = [*pending, *dead]
        for delivery in deliveries:
            if failed or self.registry.get(delivery.hook) is None:  # it was removed meanwhile, in the store, too
                self.ledger.let_go(delivery.event)
            elif isinstance(delivery, Pending):
                self._add(delivery)
            else:
                self._bury(delivery, keep=False)
        self.pump()
        return result if failed else accepted

    def _add(self, pending: Pending) -> None:
        """Let a delivery be made when it is due."""
        wait = min(max(0.0, pending.due - self._outside.wall()), self.rules.patience.longest)  # clocks may be set back
        due = self._outside.clock.seconds() + wait
        self.agenda.add(Delivery(pending.event, pending.hook, pending.number, pending.attempts, due))

    def redeliver(self, letter: DeadLetter) -> Deferred[None]:
        """Let a dead letter be delivered."""
        self.ledger.raise_up(letter.id)
        pending = Pending(letter.event, letter.hook, letter.number, 0, self._outside.wall())
        kept = self._keeping.postpone(pending)
        self._add(pending)
        self.pump()
        return kept

    # ---------------------------------------------------------------------------------------------------------- attempts

    def pump(self) -> None:
        """Begin what is due, and see to what is due next."""
        if self._stopped:
            return
        clock = self._outside.clock
        for delivery in list(self.agenda.begin(clock.seconds())):
            self._attempt(delivery)
        due = self.agenda.next_deadline()
        _cancel(self._timer)
        self._timer = None if due is None else clock.callLater(max(0.0, due - clock.seconds()), self.pump)

    def _attempt(self, delivery: Delivery) -> None:
        hook = self.registry.get(delivery.hook)
        assert hook is not None, "the agenda holds none that was removed"
        began = self._outside.clock.seconds()
        read = self._keeping.body(delivery.event)
        self._running[delivery.id] = read
        sent: Deferred[Outcome | None] = read.addCallback(lambda body: self._send(hook, delivery, body))
        sent.addErrback(self._not_sent)
        sent.addCallback(self._ended, hook, delivery, began)
        sent.addErrback(lambda failure: log.failure("delivering to a webhook failed: a bug in wampd", failure))

    def _send(self, hook: Hook, delivery: Delivery, body: bytes | None) -> Any:
        if delivery.is_over:
            return Outcome(reason="cancelled")
        if body is None:
            return LOST
        headers = [("wampd-hook-attempt", str(delivery.attempts)), ("wampd-hook-delivery", delivery.id)]
        return self.sending.post(hook, delivery.id, body, headers)

    def _not_sent(self, _: Failure) -> None:
        """It was given up by us, or the store failed, which has said why."""
        if not self._stopped:
            self._outside.strike("webhook attempts that could not be made")

    def _ended(self, outcome: Outcome | None, hook: Hook, delivery: Delivery, began: float) -> None:
        """An attempt has ended; `None`: it could not be made, or was given up."""
        del self._running[delivery.id]
        now = self._outside.clock.seconds()
        if outcome is None or self._stopped or outcome.reason in ("cancelled", "busy"):
            delivery.attempts -= 1
            self.agenda.end(delivery, hook.host, None, now, now + self.rules.patience.first)
        elif delivery.is_over:  # its hook was removed meanwhile
            self.agenda.end(delivery, hook.host, outcome.shows_life, now)
        elif outcome is LOST:
            self.agenda.end(delivery, hook.host, None, now)
            self._forget(delivery.event, hook.id)
            log.error("the event {event} is not in the store any more: no webhook gets it", event=delivery.event)
        else:
            self._remember(delivery, outcome, now - began)
            self._carry_out(outcome, hook, delivery, now)
        self.pump()

    def _carry_out(self, outcome: Outcome, hook: Hook, delivery: Delivery, now: float) -> None:
        verdict = judge(outcome, delivery.attempts, self.rules.patience, self._outside.chance())
        if isinstance(verdict, Again):
            self.agenda.end(delivery, hook.host, outcome.shows_life, now, now + verdict.delay)
            due = self._outside.wall() + verdict.delay
            self._done(
                self._keeping.postpone(Pending(delivery.event, delivery.hook, delivery.number, delivery.attempts, due))
            )
            return
        self.agenda.end(delivery, hook.host, outcome.shows_life, now)
        if isinstance(verdict, Dead):
            why = outcome.reason or str(outcome.status)
            self._outside.strike("webhook deliveries given up")
            letter = DeadLetter(delivery.event, hook.id, delivery.number, delivery.attempts, why, self._outside.wall())
            self._bury(letter, keep=True)
            return
        self._forget(delivery.event, hook.id)
        if isinstance(verdict, Gone):
            log.info("the webhook {hook} of {key} is gone: 410", hook=hook.id, key=hook.key)
            self._done(self.remove(hook))

    def _bury(self, letter: DeadLetter, *, keep: bool) -> None:
        """Take a dead letter; ``keep``: it is not on the disk as one yet."""
        dropped = self.ledger.bury(letter)
        for each in dropped:
            self.ledger.let_go(each.event)
            self._outside.strike("dead letters of webhooks dropped")
        if keep or dropped:
            self._done(self._keeping.bury(letter, dropped))

    def _forget(self, event: str, hook: str) -> None:
        self.ledger.let_go(event)
        self._done(self._keeping.forget(event, hook))

    def _remember(self, delivery: Delivery, outcome: Outcome, seconds: float) -> None:
        what = outcome.reason or str(outcome.status)
        attempt = Attempt(delivery.id, delivery.attempts, self._outside.wall(), seconds, what)
        self.attempts.remember(delivery.hook, attempt)

    def _done(self, written: Deferred[None]) -> None:
        """What could not be written the store has said; after a restart the attempt is made again."""
        written.addErrback(lambda _: self._outside.strike("webhook changes not written"))


def _cancel(timer: Any) -> None:
    if timer is not None and timer.active():
        timer.cancel()
