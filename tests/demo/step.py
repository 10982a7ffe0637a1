"""One step of the demo: what the agent suggests, how it should end, and how it ended.

Not here: the protocol (`mcp_stdio`) and the script (`morning`, `afternoon`). Invariant: a step passes only when
its status, reason, rule and every other thing that it names are as it says; nothing is passed over.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable

UNKNOWN_TOOL = -32602
ENVELOPE = re.compile(r"</?outside-data id=[^>]*>\s*")


@dataclass(frozen=True)
class Ends:
    """How a call should end.

    `rule` is left out for the tool's own verdict, and `""` for none; `degraded` is the reason of a stand-in,
    `says` part of a notice, and `waits` that the agent is told when to ask again.
    """

    status: str
    reason: str | None = None
    rule: str | None = None
    recorded: bool = False
    degraded: str | None = None
    waits: bool = False
    says: str = ""
    finds: tuple = ()
    holds: Callable[[Any], bool] = lambda output: True


def completes(holds=lambda output: True, **more):
    """It completes, and its output is as `holds` says."""
    return Ends("completed", holds=holds, **more)


def refused(reason, rule=None, **more):
    """Nothing runs."""
    return Ends("refused", reason, rule, **more)


def fails(reason):
    """It runs and comes to nothing."""
    return Ends("failed", reason)


@dataclass(frozen=True)
class Step:
    """One suggested call. `arguments` may be a function of what earlier steps returned, by their `name`.

    `own` says that the tool computes what it returns, so that it needs no envelope; `shows` makes the
    output short.
    """

    tool: str
    arguments: Any
    thought: str
    ends: Ends
    name: str = ""
    key: str | None = None
    own: bool = False
    shows: Callable[[Any], str] = lambda output: json.dumps(output, ensure_ascii=False)


@dataclass
class Answer:
    """How a call ended, read from an MCP message."""

    status: str = "?"
    reason: str | None = None
    rule: str | None = None
    recorded: bool = False
    degraded: str | None = None
    approval: str | None = None
    retry_after_ms: int | None = None
    notices: list = field(default_factory=list)
    findings: list = field(default_factory=list)
    usage: dict = field(default_factory=dict)
    run: str | None = None
    call: str | None = None
    output: Any = None
    text: str = ""
    wrong: list = field(default_factory=list)

    @classmethod
    def read(cls, message):
        """Reads the answer to a `tools/call`; what does not belong to one goes into `wrong`."""
        if "error" in message:
            error = message["error"]
            answer, meta = cls(text=error.get("message", "")), error.get("data") or {}
            if error.get("code") != UNKNOWN_TOOL:
                answer.wrong.append(f"a protocol error: {error}")
        else:
            result = message["result"]
            text, *notices = [part.get("text", "") for part in result.get("content", [])] or [""]
            answer, meta = cls(text=text, output=result.get("structuredContent")), result.get("_meta", {})
            answer.notices = [line for notice in notices for line in notice.splitlines()]
        ended = meta.get("toolgate/outcome")
        if ended is None:
            answer.wrong.append(f"no toolgate/outcome: {message}")
            return answer
        answer.run, answer.call = meta.get("toolgate/run"), meta.get("toolgate/call")
        answer.status, answer.reason, answer.rule = ended["status"], ended.get("reason"), ended.get("rule")
        answer.recorded, answer.usage = ended.get("recorded", False), ended["usage"]
        answer.degraded = (ended.get("degraded") or {}).get("reason")
        answer.approval, answer.retry_after_ms = ended.get("approval"), ended.get("retry_after_ms")
        answer.findings = ended.get("findings", [])
        if "result" in message and message["result"].get("isError") != (answer.status != "completed"):
            answer.wrong.append("isError does not fit the status")
        return answer

    def words(self):
        """The text without its envelope."""
        return ENVELOPE.sub("", self.text).strip()

    def classes(self):
        """The kinds of things found in it, each once, in order."""
        return list(dict.fromkeys(finding["class"] for finding in self.findings))


def mismatches(step, answer):
    """Every way in which the answer is not what the step expects, a sentence each."""
    ends, found = step.ends, list(answer.wrong)
    ruled = ends.status != "refused" or ends.reason == "denied_by_policy"
    verdict = f"tools.{step.tool}.verdict" if ruled else None
    rule = verdict if ends.rule is None else ends.rule or None
    for what, expected, got in [
        ("status", ends.status, answer.status),
        ("reason", ends.reason, answer.reason),
        ("rule", rule, answer.rule),
        ("recorded", ends.recorded, answer.recorded),
        ("the reason of a stand-in", ends.degraded, answer.degraded),
    ]:
        if expected != got:
            found.append(f"{what} should be {expected}, and is {got}")
    if ends.waits and not answer.retry_after_ms:
        found.append("should say when to ask again")
    if ends.says not in "\n".join(answer.notices):
        found.append(f"should be told `{ends.says}`, and is told {answer.notices}")
    missing = set(ends.finds) - set(answer.classes())
    if missing:
        found.append(f"should find {sorted(missing)} in what came back, and found {answer.classes()}")
    if answer.status == "completed" and not applied(ends.holds, answer.output, False):
        found.append(f"unexpected output: {json.dumps(answer.output)[:300]}")
    if answer.status == "completed" and bool(ENVELOPE.match(answer.text)) == step.own:
        found.append("what others wrote should be in an envelope, and nothing else should")
    if answer.status == "refused" and answer.usage.get("fuel"):
        found.append("refused, and yet it ran")
    return found


def applied(function, value, otherwise):
    """What the function makes of a value; `otherwise` when the value has not the shape that it reads."""
    try:
        return function(value)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        return otherwise
