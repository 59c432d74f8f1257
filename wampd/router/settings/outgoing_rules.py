"""What types cannot say of outgoing requests."""

from collections.abc import Mapping

from .checker import Here, Rule
from .outgoing import Outgoing
from .problems import quote


def _outgoing(outgoing: Outgoing, here: Here) -> None:
    for index, allowed in here.each(outgoing.allow_private, "allow_private"):
        from wampd.router.outgoing.policy import policy_of  # only where something is allowed
        from wampd.router.outgoing.problems import OutgoingError

        try:
            policy_of([allowed])
        except OutgoingError:
            message = f"{quote(allowed)} is not a network like 10.1.0.0/16, an address, or the name of a host"
            here.problem(message, "allow_private", index)


OUTGOING_RULES: Mapping[type, Rule] = {Outgoing: _outgoing}
