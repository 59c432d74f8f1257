"""The law of streams that go on: every event comes once and in order, and where one is missing that is said before."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.http.streams import Stage

TOPICS = ("com.app.news", "com.app.other", "com.app.more")
TARGET = "/events?topic=com.app.news&topic=com.app.&match=prefix"
STEPS = st.lists(
    st.sampled_from(["leave", "come", "read", "publish", "publish", "turn"]) | st.sampled_from(TOPICS), max_size=40
)


class Client:
    """Follows, leaves, comes back; what it got, with a mark where something was lost."""

    def __init__(self, stage, target):
        self._stage = stage
        self._target = target
        self._mark = None
        self.got = []
        self.stream = None
        self.come()

    def come(self):
        if self.stream is None:
            lines = [] if self._mark is None else [f"Last-Event-ID: {self._mark}"]
            self.stream = self._stage.ask(self._target, *lines)
            self.got.append("back")

    def read(self):
        if self.stream is not None:
            self.got += ["lost" if name == "wampd.lost" else data[0] for name, data in self.stream.events()]
            self._mark = self.stream.mark or self._mark

    def leave(self):
        self.read()
        if self.stream is not None:
            self.stream.leave()
            self.stream = None


def play(stage, target, steps):
    """Take the steps; how many events were published, and what a client got in the end."""
    client = Client(stage, target)
    client.read()
    published = 0
    for step in steps:
        if step in ("leave", "come", "read"):
            getattr(client, step)()
        elif step == "turn":
            stage.loop.turn()
        else:
            stage.publisher.publish(step if step in TOPICS else TOPICS[0], [published])
            published += 1
    stage.house.turns()
    client.leave()
    client.come()
    client.read()
    return published, client.got


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 6), st.integers(0, 5))
@example(["leave", "com.app.news", "com.app.other", "come"], 1, 1)
@example(["leave", "com.app.news", "come"], 1, 0)
def test_nothing_comes_twice_nothing_out_of_order_and_nothing_is_missing_unsaid(steps, kept, resent):
    published, got = play(Stage(resent=resent, kept=kept), TARGET, steps)
    expected, lost, came = 0, False, False
    for each in [*got, published]:
        if each == "lost":
            lost, came = True, False
        elif each == "back":
            lost = lost and not came  # who was told, and has got nothing since, is not told again
        else:
            came = True
            assert each >= expected, got
            assert lost or each == expected, got
            expected = each + 1


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_where_all_is_kept_nothing_is_lost(steps):
    published, got = play(Stage(), "/events?topic=com.app.&match=prefix", steps)
    assert [each for each in got if each != "back"] == list(range(published))
