"""Which of several nodes a resource belongs to: rendezvous hashing; and which nodes a call is for.

Rules
-----
* Every node is weighed with the key of the resource; the heaviest has it. So a node that comes takes only what is its own,
  and of a node that goes the others take each a part: nothing else moves.
* The same keys give the same node in every process, whatever the order of the nodes.
* The advanced profile only sketches "Sharded Registration". Here ``runon`` says whom a call is for: ``any`` callee (the
  default), the one that ``rkey`` belongs to (``partition``), or ``all``. A ``runmode`` says that, too: ``partition``;
  ``gather`` and ``progressive`` are the ways in which the results of all come back. A ``rkey`` alone means ``partition``.

Source: D. Thaler and C. Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, TypeAlias

from wampd.realms.options import CallOptions
from wampd.realms.services import INVALID_ARGUMENT, Refused

Reach: TypeAlias = Literal["any", "partition", "all"]


def weight(rkey: str, nkey: str) -> int:
    """The weight of a node for a resource, uniform over 64 bits."""
    # One key is the key of the hash (hashed itself, so as to fit): no two pairs of keys run together into the same bytes.
    return int.from_bytes(
        blake2b(rkey.encode("utf-8", "surrogatepass"), digest_size=8, key=_seal(nkey)).digest(), "big"
    )


@lru_cache(maxsize=4096)
def _seal(nkey: str) -> bytes:
    return blake2b(nkey.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def rendezvous(rkey: str, nkeys: Iterable[str]) -> str:
    """The node key, of those given, that the resource key ``rkey`` belongs to. Raise `ValueError` if there is none."""
    return max(nkeys, key=lambda nkey: (weight(rkey, nkey), nkey))


def reach(options: CallOptions) -> Reach:
    """Whom a call is for. Raise `Refused` if its options contradict each other, or one is missing."""
    runon, runmode, rkey = options.runon, options.runmode, options.rkey
    implied: Reach | None = None
    if runmode is not None:
        implied = "partition" if runmode == "partition" else "all"
    if runon is not None and implied is not None and runon != implied:
        raise Refused(INVALID_ARGUMENT, f"runmode {runmode!r} does not go with runon {runon!r}")
    meant = runon or implied or ("any" if rkey is None else "partition")
    if meant == "partition" and rkey is None:
        raise Refused(INVALID_ARGUMENT, "a call that is for one partition needs a rkey")
    return meant
