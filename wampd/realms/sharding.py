"""Which of several nodes a resource belongs to: rendezvous hashing.

Rules
-----
* Every node is weighed with the key of the resource; the heaviest has it. So a node that comes takes only what is its own,
  and of a node that goes the others take each a part: nothing else moves.
* The same keys give the same node in every process, whatever the order of the nodes.

Source: D. Thaler and C. Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def weight(rkey: str, nkey: str) -> int:
    """The weight of a node for a resource, uniform over 64 bits."""
    # One key is the key of the hash (hashed itself, so as to fit): no two pairs of keys run together into the same bytes.
    seal = blake2b(nkey.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return int.from_bytes(blake2b(rkey.encode("utf-8", "surrogatepass"), digest_size=8, key=seal).digest(), "big")


def rendezvous(rkey: str, nkeys: Iterable[str]) -> str:
    """The node key, of those given, that the resource key ``rkey`` belongs to. Raise `ValueError` if there is none."""
    return max(nkeys, key=lambda nkey: (weight(rkey, nkey), nkey))
