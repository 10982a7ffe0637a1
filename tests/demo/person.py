"""The person at the desk: whoever runs the agents, with `toolgate` in a shell.

Not here: when they act (`afternoon`). Invariant: a command that fails, or says something else than it should,
ends the demo, since what follows builds on it.
"""

import json
import pathlib
import shlex
import subprocess
import time

import table
from mcp_stdio import ProtocolError
from step import applied

REPO = pathlib.Path(__file__).resolve().parents[2]


class Person:
    """Runs commands of `toolgate` on the demo's ledger."""

    def __init__(self, toolgate, policy, environment):
        self.toolgate = toolgate
        self.policy = policy
        self.environment = environment

    def says(self, *arguments):
        """What the command prints; it has to work."""
        command = [self.toolgate, *arguments]
        done = subprocess.run(command, cwd=REPO, env=self.environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise ProtocolError(f"toolgate {arguments[0]} failed:\n{_text(done.stdout)}{_text(done.stderr)}")
        return _text(done.stdout)

    def reads(self, *arguments):
        """The JSON document that the command prints."""
        return json.loads(self.says(*arguments, "--policy", self.policy, "--json"))

    def does(self, *arguments, holds, shows):
        """Runs a command, prints a line for it, and gives its JSON document, which should be as `holds` says."""
        said = self.reads(*arguments)
        passed = applied(holds, said, False)
        words = shlex.join(arguments)
        table.aside(passed, f"a person: toolgate {words}", applied(shows, said, json.dumps(said)))
        if not passed:
            raise ProtocolError(f"toolgate {arguments[0]} should not say: {json.dumps(said)[:300]}")
        return said

    def starts(self, goal):
        """Opens a run and gives its id."""
        opened = self.does(
            "run", "start", "--goal", goal, holds=lambda said: said["run"], shows=lambda said: said["run"]
        )
        return opened["run"]


def until(what, happened, timeout_s=5):
    """Waits until something has happened; gives what `happened` gives."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = happened()
        if found:
            return found
        time.sleep(0.01)
    raise ProtocolError(f"{what}: not within {timeout_s} s")


def _text(stream):
    return stream.decode(errors="replace")
