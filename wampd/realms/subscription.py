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

    __slots__ = ("events", "history", "id", "match", "shards", "subscribers", "uri")

    def __init__(self, subscription_id: int, uri: str, match: Match, history: History | None = None) -> None:
        self.id = subscription_id
        self.uri = uri
        self.match: Match = match
        self.subscribers: dict[Session, None] = {}
        self.events = 0
        """How many publications it matched."""
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

    def of_shard(self, rkey: str) -> Collection[Session]:
        """The subscribers that get the events of a resource."""
        owner = self._owner(rkey)
        shards = self.shards
        if shards is None or owner is None:
            return self.subscribers
        nkeys = shards.nkeys
        if len(nkeys) == len(self.subscribers):  # the others need not be looked at
            return shards.members[owner]
        return [session for session in self.subscribers if nkeys.get(session, owner) == owner]

    def is_of_shard(self, session: Session, rkey: str) -> bool:
        """Whether this subscriber gets the events of a resource."""
        owner = self._owner(rkey)
        return owner is None or self.shards is None or self.shards.nkeys.get(session, owner) == owner

    def _owner(self, rkey: str) -> str | None:
        """The node key that a resource belongs to; `None`: there is no node.

        Sessions that have left are taken off in slices. A node of nobody else owns nothing any more.
        """
        while self.shards is not None:
            winner = self.shards.winner(rkey)
            members = self.shards.members[winner]
            if any(session.state is not State.CLOSED for session in members):
                return winner
            for session in list(members):
                self.displace(session)
        return None


class Shards:
    """The node keys of the subscribers of one subscription."""

    REMEMBERED = 1024
    """For how many resource keys the answer is remembered."""

    __slots__ = ("_winners", "members", "nkeys")

    def __init__(self) -> None:
        self.nkeys: dict[Session, str] = {}
        self.members: dict[str, dict[Session, None]] = {}
        """The sessions of each node key."""
        self._winners: dict[str, str] = {}

    def place(self, session: Session, nkey: str) -> None:
        """Note the node key of a session."""
        self.displace(session)
        self.nkeys[session] = nkey
        members = self.members.get(nkey)
        if members is None:
            members = self.members[nkey] = {}
            self._winners.clear()
        members[session] = None

    def displace(self, session: Session) -> None:
        """Forget the node key of a session, if it has one."""
        nkey = self.nkeys.pop(session, None)
        if nkey is not None:
            members = self.members[nkey]
            del members[session]
            if not members:
                del self.members[nkey]
                self._winners.clear()

    def winner(self, rkey: str) -> str:
        """The node key that a resource belongs to."""
        winner = self._winners.get(rkey)
        if winner is None:
            if len(self._winners) >= self.REMEMBERED:
                self._winners.clear()
            winner = self._winners[rkey] = rendezvous(rkey, self.members)
        return winner
