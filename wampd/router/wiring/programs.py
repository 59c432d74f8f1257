"""From a configured component to what is executed for it. A part of the composition root.

Rules
-----
* A component in Python is run by a script of ours (`wampd.hosted`), by its path and with the component's interpreter, which
  need not have wampd. What it is to run stands in its environment.
* One that runs inside the router has no command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from wampd.hosted import description
from wampd.router.hosting.runs import Program
from wampd.router.settings.component_rules import interpreter
from wampd.router.settings.components import Component, GuestComponent, PythonComponent


def program_of(component: Component, environ: Mapping[str, str]) -> Program:
    """What is executed for a component, which gets this environment beside its own."""
    environment = {**environ, **component.environment}
    if isinstance(component, GuestComponent):
        return Program(component, component.command, environment)
    if component.in_process:
        return Program(component, ())
    python = None if component.python is None else interpreter(component.python)
    command = (sys.executable if python is None else str(python.absolute()), description.RUNNER, component.name)
    return Program(component, command, {**environment, description.HOSTED: _described(component)})


def _described(component: PythonComponent) -> str:
    return json.dumps(
        {
            "run": component.run,
            "framework": component.framework,
            "path": [str(directory.absolute()) for directory in component.path],
            "extra": component.extra,
        }
    )
