"""One subscription: a topic or pattern, the sessions that want its events, and what is special about it.

Rules
-----
* A subscription with a history stands whether anybody subscribes or not.
* Sharded subscriptions: of the subscribers that named a node key (``nkey``) those of one key get an event that names a
  resource key (``rkey``); which one, rendezvous hashing over all node keys of the subscription says, whoever of them may
  get the event. Subscribers without a node key get every event, and an event without a resource key goes to everybody.

Source: WAMP advanced profile, "Sharded Subscription", which leaves the choice open.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from wampd.realms.options import Match
from wampd.realms.session import Session, State
from wampd.realms.sharding import rendezvous

if TYPE_CHECKING:
    from wampd.realms.history import History


class Subscription:
    """A topic or pattern, and the sessions that want its events."""

    __slots__ = ("history", "id", "match", "shards", "subscribers", "uri")

    def __init__(self, subscription_id: int, uri: str, match: Match, history: History | None = None) -> None:
        self.id = subscription_id
        self.uri = uri
        self.match: Match = match
        self.subscribers: dict[Session, None] = {}
        self.history = history
        """What is kept of its events; `None`: nothing is."""
        self.shards: Shards | None = None
        """Node keys of subscribers; `None`: nobody named one."""

    def place(self, session: Session, nkey: str | None) -> None:
        """Note the node key of a subscriber, which may have had another one or none."""
        if nkey is not None:
            if self.shards is None:
                self.shards = Shards()
            self.shards.place(session, nkey)
        else:
            self.displace(session)

    def displace(self, session: Session) -> None:
        """Forget the node key of a subscriber, if it named one."""
        if self.shards is not None:
            self.shards.displace(session)
            if not self.shards.nkeys:
                self.shards = None

    def forget_gone(self) -> None:
        """Forget the node keys of sessions that have left: these are taken off in slices, and own nothing any more."""
        if self.shards is not None:
            for session in [session for session in self.shards.nkeys if session.state is State.CLOSED]:
                self.displace(session)

    def of_shard(self, rkey: str) -> Collection[Session]:
        """The subscribers that get the events of a resource."""
        self.forget_gone()
        shards = self.shards
        if shards is None:
            return self.subscribers
        nkeys, winner = shards.nkeys, shards.winner(rkey)
        return [session for session in self.subscribers if nkeys.get(session, winner) == winner]

    def is_of_shard(self, session: Session, rkey: str) -> bool:
        """Whether this subscriber gets the events of a resource, now that those who left are forgotten."""
        shards = self.shards
        return shards is None or session not in shards.nkeys or shards.nkeys[session] == shards.winner(rkey)


class Shards:
    """The node keys of the subscribers of one subscription."""

    REMEMBERED = 1024
    """For how many resource keys the answer is remembered."""

    __slots__ = ("_members", "_winners", "nkeys")

    def __init__(self) -> None:
        self.nkeys: dict[Session, str] = {}
        self._members: dict[str, int] = {}  # how many sessions have a key
        self._winners: dict[str, str] = {}

    def place(self, session: Session, nkey: str) -> None:
        """Note the node key of a session."""
        self.displace(session)
        self.nkeys[session] = nkey
        self._members[nkey] = self._members.get(nkey, 0) + 1
        if self._members[nkey] == 1:
            self._winners.clear()

    def displace(self, session: Session) -> None:
        """Forget the node key of a session, if it has one."""
        nkey = self.nkeys.pop(session, None)
        if nkey is not None:
            self._members[nkey] -= 1
            if not self._members[nkey]:
                del self._members[nkey]
                self._winners.clear()

    def winner(self, rkey: str) -> str:
        """The node key that a resource belongs to."""
        winner = self._winners.get(rkey)
        if winner is None:
            if len(self._winners) >= self.REMEMBERED:
                self._winners.clear()
            winner = self._winners[rkey] = rendezvous(rkey, self._members)
        return winner
