"""Follows topics for one client: what it has missed, from their histories, then what comes, each event once.

Rules
-----
* First the topics are subscribed to; when that is done the histories are read, in one go; what was on its way meanwhile is
  known by its place and not sent again. So nothing is lost between what was and what comes, and nothing comes twice.
* What was missed comes in the order of occurrence, over all topics. If it is too much, or a history does not reach back (or
  there is none), `LOST` comes first and names the topics that it is about.
* An event that several of the topics match is sent once.
* Everything is seen with the session's own rights: whoever may subscribe to a topic may ask for its history, and no event is
  shown that was not meant for it.

Sources: WAMP advanced profile, "Event History"; HTML standard, section 9.2.3 (`Last-Event-ID`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from msgspec import Raw, Struct

from wampd.realms.messages import Format
from wampd.realms.timestamps import rfc3339
from wampd.router.http.streams.marks import Marks, Place, Topic
from wampd.router.inside.telling import Told, told
from wampd.router.inside.together import together
from wampd.router.wire.codec import Uncarriable
from wampd.router.wire.convert import convert, to_json

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from wampd.realms.history import History, Record
    from wampd.realms.options import Match
    from wampd.realms.session import Session
    from wampd.router.inside.insider import Insider, Reply

LOST: Final = "wampd.lost"
"""The name of the event that says that others may be missing."""
MOST_EARLY: Final = 10_000
"""Events that may come while there is no answer yet for one of the topics."""
OVERHEAD: Final = 512
"""About how many bytes an event takes beside its payload."""


class Frame(Struct, frozen=True):
    """What is sent as one event: the mark after it, its topic (or `LOST`), and its data, which is JSON."""

    mark: str
    name: str
    data: bytes


class Past(Protocol):
    """The histories of one realm."""

    def history(self, topic: str, match: Match) -> History | None:
        """That of a topic or pattern; `None`: none is kept."""
        ...

    def session(self, session_id: int) -> Session | None:
        """The session of this id."""
        ...


class Following:
    """The topics of one client."""

    def __init__(
        self,
        insider: Insider,
        topics: Sequence[Topic],
        past: Past,
        run: str,
        wall: Callable[[], float],
        tell: Callable[[Frame], None],
    ) -> None:
        """``topics`` are sorted; ``run`` is that of `Marks`; ``wall`` is Unix time in seconds; ``tell`` takes what comes."""
        self._insider = insider
        self._topics = topics
        self._past = past
        self._wall = wall
        self._tell = tell
        self._marks = Marks(run, topics)
        self._histories = [past.history(topic.uri, topic.match) for topic in topics]
        self._reached: list[Place] = [None] * len(topics)
        self._begun = False
        self._early: list[tuple[int, Reply]] = []
        self._repeated: set[int] = set()  # what was read from histories, and may be on its way as well
        self._last = 0

    def subscribe(self) -> Deferred[Any]:
        """Subscribe to all topics; fails with `CallFailed`. What comes then waits for `go_on`."""
        return together(
            self._insider.subscribe(topic.uri, partial(self._event, index), topic.match)
            for index, topic in enumerate(self._topics)
        )

    def begin(self, mark: str | None, most: int, size: int) -> tuple[str | None, list[Frame]]:
        """Go on from a mark, or from now; return the mark to begin with, if that is new, and what was missed.

        That are at most ``most`` events, and about ``size`` bytes.
        """
        ends = [None if history is None else history.end for history in self._histories]
        missed = [] if mark is None else self._missed(self._marks.read(mark), most, size)
        self._reached = ends
        return None if mark else self._marks.write(ends), missed

    def go_on(self) -> None:
        """Tell what comes from now on, and what came since the topics were subscribed to."""
        self._begun = True
        early, self._early = self._early, []
        for index, reply in early:
            self._event(index, reply)

    # ------------------------------------------------------------------------------------------------ what was missed

    def _missed(self, places: Sequence[Place] | None, most: int, size: int) -> list[Frame]:
        """What came after these places; `None`: they are not known."""
        lost = self._go_back(places)
        found: dict[
            int, tuple[Record, list[tuple[int, int]]]
        ] = {}  # by publication; and where it stands in which history
        for index in range(len(self._topics)):
            for record in self._latest(index):
                if record.publication in self._repeated:
                    continue
                if record.publication not in found:
                    size -= OVERHEAD + record.size
                    if size < 0:
                        self._pass_over([(index, record.place)], lost)
                        break
                    found[record.publication] = record, []
                found[record.publication][1].append((index, record.place))
        lost |= {index for index, place in enumerate(self._reached) if self._begins_after(index, place)}
        in_order = sorted(found.values(), key=lambda each: each[0].microseconds)
        too_many = in_order[: max(0, len(in_order) - most)]
        for _, where in too_many:
            self._pass_over(where, lost)
        self._repeated |= set(found)
        return self._frames(in_order[len(too_many) :], lost)

    def _pass_over(self, where: Sequence[tuple[int, int]], lost: set[int]) -> None:
        """What stands at these places is too much, and so is what came before it: it is lost, now and later."""
        for index, place in where:
            self._reached[index] = max(place + 1, self._reached[index] or 0)
            lost.add(index)

    def _go_back(self, places: Sequence[Place] | None) -> set[int]:
        """Stand at these places, or at the beginning of histories that do not reach back to them; return which these are."""
        lost = set()
        for index, history in enumerate(self._histories):
            place = None if places is None else places[index]
            if history is not None and place is not None and history.first() <= place <= history.end:
                self._reached[index] = place
                if (before := history.at(place - 1)) is not None:
                    self._repeated.add(before.publication)  # another topic may not have come as far when this was sent
            else:
                self._reached[index] = None if history is None else history.first()
                lost.add(index)
        return lost

    def _latest(self, index: int) -> Iterator[Record]:
        """What was missed of one topic, the newest first."""
        history, place, session = self._histories[index], self._reached[index], self._past.session(self._insider.id)
        return iter(()) if history is None or place is None or session is None else history.latest(place, session)

    def _begins_after(self, index: int, place: Place) -> bool:
        """Whether a history has forgotten what is at a place, as those with an age do at any moment."""
        history = self._histories[index]
        return history is not None and place is not None and history.first() > place

    def _frames(self, records: Sequence[tuple[Record, list[tuple[int, int]]]], lost: set[int]) -> list[Frame]:
        frames = []
        if lost:
            names = [{"topic": self._topics[index].uri, "match": self._topics[index].match} for index in sorted(lost)]
            frames.append(Frame(self._marks.write(self._reached), LOST, msgspec.json.encode({"topics": names})))
        for record, where in records:
            for index, place in where:
                self._reached[index] = place + 1
            try:
                data = msgspec.json.encode(_remembered(record))
            except Uncarriable:  # a subscriber that speaks JSON has not got it either
                continue
            frames.append(Frame(self._marks.write(self._reached), record.topic, data))
        return frames

    # ------------------------------------------------------------------------------------------------------ what comes

    def _event(self, index: int, reply: Reply) -> None:
        if not self._begun:
            self._early.append((index, reply))
            if len(self._early) == MOST_EARLY:
                self._insider.leave("wamp.close.slow_consumer")
        elif self._is_new(index, reply.details["publication"]):
            event = told(reply, self._topics[index].uri, self._wall())
            self._tell(Frame(self._marks.write(self._reached), event.topic, msgspec.json.encode(event)))

    def _is_new(self, index: int, publication: int) -> bool:
        """Whether an event has not been sent yet; and remember that it now is, for all topics that match it.

        Each of them has been sent what came before: the mark of one that lagged behind would have its history tell this again.
        """
        history = self._histories[index]
        place = None if history is None else history.place_of(publication)
        if place is not None and place < (self._reached[index] or 0):
            return False
        for other, each in enumerate(self._histories):
            found = None if each is None else each.place_of(publication)
            if found is not None:
                self._reached[other] = max(found + 1, self._reached[other] or 0)
        if publication in self._repeated or publication == self._last:
            return False
        if place is not None:  # published after the histories were read: nothing older is on its way
            self._repeated.clear()
        self._last = publication
        return True


def _remembered(record: Record) -> Told:
    """An event of a history. Raises `Uncarriable`."""

    def carried(payload: Any) -> Any:
        return convert(payload, record.format, Format.JSON) if isinstance(payload, Raw | None) else to_json(payload)

    details = {name: value for name, value in record.details.items() if name != "topic"}
    time = rfc3339(record.microseconds)
    return Told(record.topic, record.publication, time, carried(record.args), carried(record.kwargs), details)
