"""A scripted agent at a support desk: it speaks MCP over stdio to `toolgate serve`, as any agent does.

Usage: agent.py [TOOLGATE] [--folder DIR]

TOOLGATE is the program, DIR a folder for a fresh copy of the desk and for the ledger; without them they
are target/debug/toolgate and target/demo. It prints what it suggested, what was decided and why, what came
back and what it cost, and then compares the ledger with that. The exit code is 0 only if every call ended
as it should. Python 3.10 or later, standard library only.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import table
from mcp_stdio import VERSION, ProtocolError, Server
from morning import MORNING, afterwards
from step import Answer, applied, mismatches

REPO = pathlib.Path(__file__).resolve().parents[2]
DESK = REPO / "tools" / "support_desk" / "desk"
FOLDER = REPO / "target" / "demo"
POLICY = pathlib.Path("policies") / "demo.toml"


class Demo:
    """The agent's state: the run it is in, what came back so far, and what was not as it should be."""

    def __init__(self, server):
        self.server = server
        self.run = None
        self.returned = {}
        self.calls = []
        self.failed = []

    def morning(self):
        """Every call of the script, a section at a time."""
        for title, at_once, steps in MORNING:
            table.section(title)
            if at_once:
                self.all_at_once(title, steps)
            else:
                for step in steps:
                    self.finish(step, *self.begin(step))

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
        self.calls.append(answer.call)
        self.returned[step.name or step.tool] = answer.output
        number = len(self.calls)
        usage = answer.usage
        cells = suggested(step, arguments), decided(step, answer), came_back(step, answer)
        table.row(number, not wrong, *cells, usage.get("fuel"), usage.get("wall_us"))
        for line in beside(answer):
            table.note(line)
        self.failed += [f"call {number}, {step.tool}: {sentence}" for sentence in wrong]
        return answer


def suggested(step, arguments):
    """The tool, the key if there is one, and the arguments."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
    key = [f"key {step.key}"] if step.key else []
    return [step.tool, *key, ", ".join(f"{name}: {' '.join(text.split())}" for name, text in texts.items())]


def decided(step, answer):
    """The verdict, the reason code of a refusal, and the rule."""
    refused = answer.status == "refused"
    rule = [answer.rule.replace(f"tools.{step.tool}.", "tools.….")] if answer.rule else []
    return ["refuse" if refused else "allow", *([answer.reason] if refused else []), *rule]


def came_back(step, answer):
    """What the agent has of it: the result in short, or what it is told to do."""
    if answer.status != "completed":
        reason = [answer.reason] if answer.status == "failed" else []
        return [*reason, answer.words().removeprefix(f"{answer.reason}: ")]
    recorded = ["the recorded answer"] if answer.recorded else []
    return [*recorded, applied(step.shows, answer.output, answer.words())]


def beside(answer):
    """What was found in it and made harmless, a line for each kind; and money that it cost."""
    for kind in answer.classes():
        alike = [finding for finding in answer.findings if finding["class"] == kind]
        first = alike[0]
        yield f"{first['action']} {len(alike)} × {kind}, as at {first['path']}: {first['detail']}"
    if answer.usage.get("cost_usd"):
        yield f"charged {answer.usage['cost_usd']:.2f} USD"


def prepare(folder):
    """Puts a fresh copy of the desk into the folder, and takes an earlier ledger out of it."""
    shutil.rmtree(folder / "desk", ignore_errors=True)
    for old in (*folder.glob("ledger*"), *folder.glob("serve.log")):
        old.unlink()
    shutil.copytree(DESK, folder / "desk", ignore=shutil.ignore_patterns("outbox", ".gitignore", "*.py"))
    (folder / "desk" / "outbox").mkdir()


def discover(server):
    """Asks who serves which tools; gives a sentence."""
    found = result(server, "server/discover")
    if VERSION not in found.get("supportedVersions", []):
        raise ProtocolError(f"the server does not speak {VERSION}: {found}")
    tools = result(server, "tools/list")["tools"]
    name = found["_meta"]["io.modelcontextprotocol/serverInfo"]
    return f"{name['name']} {name['version']} serves {len(tools)} tools over MCP {VERSION}, by {POLICY}"


def result(server, method):
    """The result of a request that has to work."""
    message = server.answer(server.send(method))
    if "result" not in message:
        raise ProtocolError(f"{method} failed: {message.get('error')}")
    return message["result"]


def ask(toolgate, environment, *arguments):
    """What another command of toolgate says."""
    command = [toolgate, *arguments]
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, check=False)
    said, complained = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    if done.returncode != 0:
        raise ProtocolError(f"toolgate {arguments[0]} failed:\n{said}{complained}")
    return said


def recorded(toolgate, environment, demo):
    """Compares the ledger with what the agent saw; gives its head."""
    report = json.loads(ask(toolgate, environment, "verify", "--policy", POLICY, "--json"))
    if not report["ok"] or report["running"]:
        demo.failed.append(f"the ledger should be whole, and every call ended: {report}")
    trace = json.loads(ask(toolgate, environment, "trace", demo.run, "--policy", POLICY, "--json"))
    if {call["call"] for call in trace["calls"]} != set(demo.calls):
        demo.failed.append(f"the ledger should hold the {len(demo.calls)} calls of this run and no other")
    return report["head"]


def work(toolgate, folder):
    """The whole demo; gives everything that was not as it should be."""
    environment = {**os.environ, "TOOLGATE_DEMO": str(folder)}
    print(ask(toolgate, environment, "check", POLICY).strip())
    command = [toolgate, "serve", "--policy", POLICY]
    with open(folder / "serve.log", "wb") as log, Server(command, REPO, environment, log) as server:
        demo = Demo(server)
        print(discover(server), end="\n\n")
        table.head()
        started = time.monotonic()
        demo.morning()
        took_s = time.monotonic() - started
        code, ended_s = server.close()
    if code != 0:
        demo.failed.append(f"the server's exit code should be 0, and is {code}")
    demo.failed += afterwards(folder / "desk")
    head = recorded(toolgate, environment, demo)
    print(f"\n{len(demo.calls)} calls in {took_s:.1f} s. The server ended {ended_s * 1000:.0f} ms after its input.")
    print(f"The ledger is whole. Its head: {head}")
    place = "" if folder == FOLDER else f"TOOLGATE_DEMO={folder} "
    print("Look further:")
    for question in (f"trace {demo.run}", "verify"):
        print(f"  {place}{shown(toolgate)} {question} --policy {POLICY}")
    return demo.failed


def shown(path):
    """A path as a person would type it in the repository."""
    path = pathlib.Path(path)
    return path.relative_to(REPO) if path.is_relative_to(REPO) else path


def main():
    """Reads the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("toolgate", nargs="?", type=pathlib.Path, default=REPO / "target" / "debug" / "toolgate")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    options = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    toolgate, folder = options.toolgate.resolve(), options.folder.resolve()
    if not toolgate.is_file():
        print(f"there is no {toolgate}: `make demo` builds it", file=sys.stderr)
        return 2
    try:
        prepare(folder)
        failed = work(toolgate, folder)
    except (ProtocolError, OSError) as error:
        log = folder / "serve.log"
        failed = [str(error)] + (log.read_text("utf-8", "replace").splitlines() if log.is_file() else [])
    for sentence in failed:
        print(f"not as it should be: {sentence}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
