"""Retained events: what a topic's last publications were, for those who come later.

Rules
-----
* A publication with ``retain: true`` is kept, whether there are subscribers or not, and outlives them; a subscriber that
  asks with ``get_retained: true`` gets, of every topic that its subscription matches, the newest one that it would have
  received (advanced profile, "Event Retention"): the publisher does not get its own, and the lists are respected. So of a
  topic more than one is kept: those that not everybody may see, down to one that stands for all older ones; at most
  `VERSIONS`.
* It is delivered under its own publication id, with what its receivers were told, and with ``retained: true``.
* If the realm says so, an empty publication without lists clears what its topic retains; else it is kept like any other.
* All that a realm retains is bounded in number, in bytes and, on request, in age. What is full takes no more: a publication
  whose publisher wants to be told is then refused; of another only the event is lost to those who come later.
* One SUBSCRIBE gets at most `REPLAY` events and about `REPLAY_SIZE` bytes, of more the newest. No more than `LOOK` events
  are looked at for it: where a pattern matches more topics, those that were retained last.
* What is old is not told any more from that moment on; it is cleared away bit by bit, so that very much that gets old at
  once keeps nobody waiting.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from math import inf

from msgspec import Struct

from wampd.realms.limits import Quota, beyond
from wampd.realms.options import Match
from wampd.realms.publications import OVERHEAD, Publication
from wampd.realms.uris import matches

VERSIONS = 8
"""How many publications of one topic are kept."""
REPLAY = 10_000
"""How many events one SUBSCRIBE gets."""
REPLAY_SIZE = 4 * 2**20
"""How many bytes of payload and topics, about."""
LOOK = 20_000
"""How many events are looked at for one SUBSCRIBE."""
SLICE = 500
"""How many old events are cleared away at once."""


class Retention(Struct, frozen=True):
    """How a realm retains events; how many is a matter of its `Quota`."""

    age: float | None = None
    """Seconds until an event is forgotten; `None`: never."""
    empty_clears: bool = False
    """Whether an empty publication clears its topic."""


class _Kept(Struct):
    publication: Publication
    size: int
    until: float


class Replay(Struct):
    """What a session gets when it subscribes."""

    events: list[Publication]
    """By topic."""
    looked: int
    """How many were looked at for that."""


class Retained:
    """The retained events of one realm."""

    def __init__(self, rules: Retention, quota: Quota, now: Callable[[], float]) -> None:
        """``now`` tells monotonic seconds."""
        self._rules = rules
        self._quota = quota
        self._now = now
        self._all: OrderedDict[int, _Kept] = OrderedDict()  # by publication id, oldest first
        self._size = 0
        self._topics: dict[str, list[Publication]] = {}  # newest first
        self._index = TopicIndex()

    def __len__(self) -> int:
        """How many events are kept, old ones that are still to be cleared away included; 0 if there are no others."""
        self._forget_old()
        newest = next(reversed(self._all.values()), None)
        return 0 if newest is None or newest.until <= self._now() else len(self._all)

    def change(self, rules: Retention, quota: Quota) -> None:
        """Retain by these rules from now on; what is retained already stays no longer than if it had been retained now."""
        if rules.age is not None and rules.age != self._rules.age:
            latest = self._now() + rules.age
            for kept in self._all.values():
                kept.until = min(kept.until, latest)
        self._rules, self._quota = rules, quota

    def keep(self, publication: Publication) -> str | None:
        """Retain a publication; if there is no room for it, return what to tell of that."""
        self._forget_old()
        topic, rules = publication.topic, self._rules
        if rules.empty_clears and publication.is_empty and publication.audience is None:
            for kept in self._topics.get(topic, [])[:]:
                self._forget(kept)
            return None
        publication = publication.to_keep()
        versions = [publication, *self._topics.get(topic, ())]
        stay = _worth_keeping(versions)
        size = publication.size()
        gone = [version for version in versions if version not in stay]
        free = sum(self._all[version.id].size for version in gone)
        if len(self._all) + 1 - len(gone) > self._quota.retained:
            return beyond("retained", self._quota.retained)
        if self._size + size - free > self._quota.retained_size:
            return beyond("retained_size", self._quota.retained_size)
        for version in gone:
            self._forget(version)
        self._topics.setdefault(topic, []).insert(0, publication)
        self._index.add(topic)
        self._all[publication.id] = _Kept(publication, size, inf if rules.age is None else self._now() + rules.age)
        self._size += size
        return None

    def replay(self, uri: str, match: Match, admits: Callable[[Publication], bool], nodes: int = 0) -> Replay:
        """What a session that subscribes is to get; of too much the newest. ``admits`` says what it may see.

        That costs as much as looking at ``nodes`` events more if the event belongs to a resource.
        """
        self._forget_old()
        topics = [uri] if match == "exact" else self._index.matching(uri, match, LOOK)
        if topics is None:
            found, looked = self._among_the_newest(uri, match, admits, nodes)
        else:
            found, looked = self._of_topics(topics, admits, nodes)
        if len(found) > REPLAY or sum(self._all[it.id].size - OVERHEAD for it in found) > REPLAY_SIZE:
            found = self._newest(found)
        return Replay(found, looked)

    def _of_topics(
        self, topics: list[str], admits: Callable[[Publication], bool], nodes: int
    ) -> tuple[list[Publication], int]:
        """Of each of these topics the newest event that a session may see."""
        kept, now, looked = self._all, self._now(), 0
        found: list[Publication] = []
        for topic in topics:
            for publication in self._topics.get(topic, ()):
                looked += 1 if publication.rkey is None else 1 + nodes
                if kept[publication.id].until <= now:
                    break
                if admits(publication):
                    found.append(publication)
                    break
            if looked > LOOK:
                break
        return found, looked

    def _among_the_newest(
        self, uri: str, match: Match, admits: Callable[[Publication], bool], nodes: int
    ) -> tuple[list[Publication], int]:
        """The same of a pattern that matches very many topics."""
        now, looked = self._now(), 0
        found: dict[str, Publication] = {}
        for kept in reversed(self._all.values()):
            publication = kept.publication
            topic = publication.topic
            looked += 1 if publication.rkey is None else 1 + nodes
            if looked > LOOK or kept.until <= now:
                break
            if topic not in found and matches(uri, match, topic) and admits(publication):
                found[topic] = publication
        return [found[topic] for topic in sorted(found)], looked

    def _newest(self, found: list[Publication]) -> list[Publication]:
        wanted = {publication.id for publication in found}
        chosen: set[int] = set()
        size = 0
        for publication_id, kept in reversed(self._all.items()):
            if publication_id in wanted:
                size += kept.size - OVERHEAD
                if len(chosen) == REPLAY or (chosen and size > REPLAY_SIZE):
                    break
                chosen.add(publication_id)
        return [publication for publication in found if publication.id in chosen]

    def _forget_old(self) -> None:
        now = self._now()
        for kept in list(islice(self._all.values(), SLICE if self._rules.age is not None else 0)):
            if kept.until > now:
                return
            self._forget(kept.publication)

    def _forget(self, publication: Publication) -> None:
        self._size -= self._all.pop(publication.id).size
        versions = self._topics[publication.topic]
        versions.remove(publication)
        if not versions:
            del self._topics[publication.topic]
            self._index.remove(publication.topic)


def _worth_keeping(versions: list[Publication]) -> list[Publication]:
    """Of a topic's publications, newest first, those that somebody may get to see."""
    stay: list[Publication] = []
    for version in versions:
        if any(_same_receivers(version, newer) for newer in stay):
            continue
        stay.append(version)
        whole = [it.excluded for it in stay if it.audience is None and it.rkey is None]
        # Two that everybody but their two publishers may see, or one that everybody may: nobody looks further.
        if None in whole or len(whole) > 1:
            break
    # What nobody is kept from, or as good as nobody, is the most useful of those that are too many: it is the last.
    return stay if len(stay) <= VERSIONS else [*stay[: VERSIONS - 1], stay[-1]]


def _same_receivers(one: Publication, other: Publication) -> bool:
    return one.audience == other.audience and one.excluded == other.excluded and one.rkey == other.rkey


PLACES = 16
"""How many components of a topic are indexed."""


class TopicIndex:
    """A set of topics that finds those which a pattern matches without looking at all of them.

    A prefix costs a search in a sorted list; a wildcard what the rarest of its named components costs.
    """

    def __init__(self) -> None:
        self._sorted: list[str] = []
        # (number of components, place of a component, the component) → topics; place -1: all of that many components
        self._by_component: dict[tuple[int, int, str], set[str]] = {}

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, topic: str) -> None:
        """Put a topic in, if it is not."""
        place = bisect_left(self._sorted, topic)
        if self._sorted[place : place + 1] != [topic]:
            self._sorted.insert(place, topic)
            for key in _keys(topic):
                self._by_component.setdefault(key, set()).add(topic)

    def remove(self, topic: str) -> None:
        """Take a topic out that is in."""
        del self._sorted[bisect_left(self._sorted, topic)]
        for key in _keys(topic):
            topics = self._by_component[key]
            topics.remove(topic)
            if not topics:
                del self._by_component[key]

    def matching(self, uri: str, match: Match, most: int) -> list[str] | None:
        """The topics that a prefix or a wildcard matches, sorted; `None`: there are more than ``most``."""
        if match == "prefix":
            size = len(uri)
            begin = bisect_left(self._sorted, uri)
            end = bisect_right(self._sorted, uri, begin, key=lambda topic: topic[:size])
            return self._sorted[begin:end] if end - begin <= most else None
        sets = [self._by_component.get(key, set()) for key in _keys(uri) if key[1] < 0 or key[2]]
        sets.sort(key=len)
        found = sets[0].intersection(*sets[1:])
        if len(found) > most:
            return None
        if uri.count(".") >= PLACES:
            found = {topic for topic in found if matches(uri, match, topic)}
        return sorted(found)


def _keys(uri: str) -> list[tuple[int, int, str]]:
    components = uri.split(".")
    size = len(components)
    return [(size, -1, ""), *((size, place, component) for place, component in enumerate(components[:PLACES]))]
