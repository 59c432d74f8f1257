"""The life of one instance: the whole product of states and of what may happen."""

import pytest

from wampd.router.hosting.lifecycle import INPUTS, STATES, TABLE, Lifecycle, live

TO = {
    "down": [],
    "waiting": [Lifecycle.start],
    "starting": [Lifecycle.start, Lifecycle.clear],
    "ready": [Lifecycle.start, Lifecycle.clear, Lifecycle.is_ready],
    "failing": [Lifecycle.start, Lifecycle.clear, Lifecycle.fail],
    "resting": [Lifecycle.start, Lifecycle.clear, Lifecycle.fell],
    "turning": [Lifecycle.start, Lifecycle.clear, Lifecycle.turn],
    "stopping": [Lifecycle.start, Lifecycle.clear, Lifecycle.stop],
    "done": [Lifecycle.start, Lifecycle.clear, Lifecycle.finish],
    "lost": [Lifecycle.start, Lifecycle.clear, Lifecycle.lose],
}
"""What leads to each state."""
WITH_A_RUN = {"starting", "ready", "failing", "turning", "stopping"}


class Acts:
    """Writes down what is done."""

    def __init__(self):
        self.state = "down"
        self.done = []

    def enter(self, state):
        self.state = state

    def __getattr__(self, name):
        return lambda: self.done.append(name)


def at(state):
    acts = Acts()
    life = live(acts)
    for happening in TO[state]:
        getattr(life, happening.__name__)()
    acts.done.clear()
    assert acts.state == state
    return life, acts


def meant(state, happening):
    """The new state, and what is done, by the table."""
    for old, inputs, new, acts in TABLE:
        if old == state and happening in inputs:
            return new, [act.__name__ for act in acts]
    return state, []


def test_each_state_can_be_reached():
    assert set(TO) == set(STATES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("happening", INPUTS, ids=lambda it: it.__name__)
def test_what_happens_in_a_state_does_what_the_table_says_and_nothing_else(state, happening):
    life, acts = at(state)
    getattr(life, happening.__name__)()
    assert (acts.state, acts.done) == meant(state, happening)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("happening", INPUTS, ids=lambda it: it.__name__)
def test_a_run_is_begun_only_where_there_is_none_and_ended_only_where_there_is_one(state, happening):
    life, acts = at(state)
    getattr(life, happening.__name__)()
    if "launch" in acts.done:
        assert state not in WITH_A_RUN
    if {"ask", "kill"} & set(acts.done):
        assert state in WITH_A_RUN
    ending = happening in (Lifecycle.fell, Lifecycle.finish, Lifecycle.lose)
    if state in WITH_A_RUN:
        assert (acts.state in WITH_A_RUN) is not ending
    elif acts.state in WITH_A_RUN:
        assert "launch" in acts.done


@pytest.mark.parametrize("state", STATES)
def test_who_is_stopped_never_begins_a_run_again_by_itself(state):
    life, acts = at(state)
    life.stop()
    for happening in (Lifecycle.fell, Lifecycle.again, Lifecycle.clear, Lifecycle.is_ready, Lifecycle.clear):
        getattr(life, happening.__name__)()
    assert acts.state == "down"
    assert "launch" not in acts.done


@pytest.mark.parametrize("state", STATES)
def test_who_is_wanted_runs_in_the_end(state):
    life, acts = at(state)
    life.start()
    if acts.state == "failing":  # wanted already: it comes back as it falls
        life.fell()
    if acts.state == "turning":
        life.fell()
    life.again()
    life.clear()
    assert acts.state in ("starting", "ready")


def test_what_happens_while_something_is_done_is_looked_at_afterwards():
    class Hasty(Acts):
        def look(self):
            life.clear()
            self.done.append("look")

        def launch(self):
            life.fell()
            self.done.append("launch")

        def rest(self):
            self.done.append("rest")

    acts = Hasty()
    life = live(acts)
    life.start()
    assert acts.done == ["look", "launch", "rest"]
    assert acts.state == "resting"
