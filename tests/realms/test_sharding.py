"""Rendezvous hashing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.realms.sharding import rendezvous

KEYS = st.text(max_size=8)
NODES = st.sets(KEYS, min_size=1, max_size=6)


@given(KEYS, NODES, st.randoms())
def test_the_order_of_the_nodes_does_not_matter(rkey, nodes, random):
    others = list(nodes)
    random.shuffle(others)
    assert rendezvous(rkey, nodes) == rendezvous(rkey, others)


@given(KEYS, NODES, KEYS)
def test_a_node_that_comes_takes_only_what_is_its_own(rkey, nodes, newcomer):
    before, after = rendezvous(rkey, nodes), rendezvous(rkey, nodes | {newcomer})
    assert after in (before, newcomer)


def test_it_is_the_same_in_every_process():
    assert [rendezvous(f"r{number}", ["n1", "n2", "n3"]) for number in range(8)] == GOLDEN


GOLDEN = ["n3", "n1", "n2", "n2", "n3", "n2", "n1", "n3"]
"""What was computed once: a router of another release, or on another machine, must agree."""


def test_resources_are_spread_evenly():
    nodes = [f"n{number}" for number in range(8)]
    shares = Counter(rendezvous(f"resource {number}", nodes) for number in range(8000))
    # χ² with 7 degrees of freedom: 24.3 is exceeded once in a thousand; the hash is fixed, so this never flickers.
    assert sum((share - 1000) ** 2 / 1000 for share in shares.values()) < 24.3


def test_there_must_be_a_node():
    with pytest.raises(ValueError, match="empty"):
        rendezvous("r", [])
