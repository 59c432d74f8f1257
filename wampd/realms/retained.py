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
* One SUBSCRIBE gets at most `REPLAY` events and about `REPLAY_SIZE` bytes, of more the newest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
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
        """How many events are kept."""
        self._forget_old()
        return len(self._all)

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

    def replay(self, uri: str, match: Match, admits: Callable[[Publication], bool]) -> list[Publication]:
        """What a session that subscribes is to get, by topic; of too much the newest. ``admits`` says what it may see."""
        self._forget_old()
        topics = [uri] if match == "exact" else self._index.matching(uri, match)
        found: list[Publication] = []
        for topic in topics:
            publication = next((it for it in self._topics.get(topic, ()) if admits(it)), None)
            if publication is not None:
                found.append(publication)
        if len(found) <= REPLAY and sum(self._all[it.id].size - OVERHEAD for it in found) <= REPLAY_SIZE:
            return found
        return self._newest(found)

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
        while self._all:
            kept = next(iter(self._all.values()))
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

    def matching(self, uri: str, match: Match) -> list[str]:
        """The topics that a prefix or a wildcard matches, sorted."""
        if match == "prefix":
            return list(self._beginning(uri))
        sets = [self._by_component.get(key, set()) for key in _keys(uri) if key[1] < 0 or key[2]]
        sets.sort(key=len)
        found = sets[0].intersection(*sets[1:])
        if uri.count(".") >= PLACES:
            found = {topic for topic in found if matches(uri, match, topic)}
        return sorted(found)

    def _beginning(self, prefix: str) -> Iterator[str]:
        for place in range(bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[place].startswith(prefix):
                return
            yield self._sorted[place]


def _keys(uri: str) -> list[tuple[int, int, str]]:
    components = uri.split(".")
    size = len(components)
    return [(size, -1, ""), *((size, place, component) for place, component in enumerate(components[:PLACES]))]
