"""An agent and its calls: it suggests, waits, compares each answer with what its step expects, and prints a row.

Not here: what is suggested (`morning`, `afternoon`) and the protocol (`mcp_stdio`). Invariant: every call that
was suggested is in `calls` under its run, so that the ledger can be compared with it.
"""

import json

import table
from step import Answer, applied, mismatches


class Agent:
    """The agent's state: the run it is in, what came back so far, and what was not as it should be.

    `serve` starts a server; the agent owns the one that it talks to. Use it in a `with`.
    """

    def __init__(self, serve, failed):
        self.serve = serve
        self.server = serve()
        self.run = None
        self.returned = {}
        self.calls = {}
        self.failed = failed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def enter(self, run):
        """Goes on in this run."""
        self.run = run

    def crash(self):
        """Kills the server as a crash would, and starts another one."""
        self.server.kill()
        self.server = self.serve()

    def does(self, *steps):
        """Makes the calls, one after the other; gives the last answer."""
        for step in steps:
            answer = self.finish(step, *self.begin(step))
        return answer

    def all_at_once(self, title, steps):
        """Sends every call before it reads any answer: a call that hangs must not hold up a later one."""
        sent = [(step, *self.begin(step)) for step in steps]
        for call in sent:
            self.finish(*call)
        arrived = self.server.arrived()
        order = [arrived.index(request) for _, _, request in sent]
        overtook = sum(any(order[at] < earlier for earlier in order[:at]) for at in range(len(order)))
        table.note(f"{len(sent)} calls in flight at once; {overtook} of them answered before one sent earlier")
        if overtook == 0:
            self.failed.append(f"{title}: every call waited for the one before it")

    def begin(self, step):
        """Suggests one call; gives its arguments and the request's id."""
        arguments = step.arguments
        if callable(arguments):
            arguments = applied(arguments, self.returned, {})
        meta = {"toolgate/thought": step.thought}
        if self.run:
            meta["toolgate/run"] = self.run
        if step.key:
            meta["toolgate/idempotency-key"] = step.key
        return arguments, self.server.send("tools/call", {"name": step.tool, "arguments": arguments}, meta)

    def finish(self, step, arguments, request):
        """Waits for the answer, compares it with what the step expects, and prints the row."""
        answer = Answer.read(self.server.answer(request))
        wrong = mismatches(step, answer)
        if self.run and answer.run != self.run:
            wrong.append(f"the run should be {self.run}, and is {answer.run}")
        self.run = self.run or answer.run
        self.calls.setdefault(self.run, []).append(answer.call)
        self.returned[step.name or step.tool] = answer.output
        number = self.count()
        usage = answer.usage
        cells = suggested(step, arguments), decided(step, answer), came_back(step, answer)
        table.row(number, not wrong, *cells, usage.get("fuel"), usage.get("wall_us"))
        for line in beside(step, answer):
            table.note(line)
        self.failed += [f"call {number}, {step.tool}: {sentence}" for sentence in wrong]
        return answer

    def lost(self, step, arguments, call):
        """Prints the row of a call that no server will answer any more; the ledger knows it as `call`."""
        self.calls.setdefault(self.run, []).append(call)
        cells = suggested(step, arguments), ["allow"], ["no answer: the server was ended by kill -9"]
        table.row(self.count(), True, *cells, None, None)

    def count(self):
        """How many calls were made, in all runs."""
        return sum(map(len, self.calls.values()))


def suggested(step, arguments):
    """The tool, the key if there is one, and the arguments."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
    key = [f"key {step.key}"] if step.key else []
    return [step.tool, *key, ", ".join(f"{name}: {' '.join(text.split())}" for name, text in texts.items())]


def decided(step, answer):
    """The verdict, the reason code of a refusal, and the rule; of a stand-in, why it was needed."""
    rule = [answer.rule.replace(f"tools.{step.tool}.", "tools.….")] if answer.rule else []
    if answer.degraded:
        return ["stand in", answer.degraded, *rule]
    refused = answer.status == "refused"
    return ["refuse" if refused else "allow", *([answer.reason] if refused else []), *rule]


def came_back(step, answer):
    """What the agent has of it: the result in short, or what it is told to do."""
    if answer.status != "completed":
        reason = [answer.reason] if answer.status == "failed" else []
        return [*reason, answer.words().removeprefix(f"{answer.reason}: ")]
    recorded = ["the recorded answer"] if answer.recorded else []
    return [*recorded, applied(step.shows, answer.output, answer.words())]


def beside(step, answer):
    """What was found in it and made harmless, a line for each kind; what it cost; what is said beside it."""
    for kind in answer.classes():
        alike = [finding for finding in answer.findings if finding["class"] == kind]
        first = alike[0]
        yield f"{first['action']} {len(alike)} × {kind}, as at {first['path']}: {first['detail']}"
    if answer.usage.get("cost_usd"):
        yield f"charged {answer.usage['cost_usd']:.2f} USD"
    if answer.retry_after_ms and step.ends.waits:
        yield f"to be asked again in {answer.retry_after_ms} ms"
    if step.ends.says:
        yield f"beside it: {step.ends.says}"
