"""A scripted agent at a support desk: it speaks MCP over stdio to `toolgate serve`, as any agent does.

Usage: agent.py [--toolgate FILE] [--folder DIR]

Works on a fresh copy of the desk below DIR, prints what it suggested, what was decided and why, what came
back and what it cost, and then checks the ledger. The exit code is 0 only if every call ended as it
should. Python 3.10 or later, standard library only.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import table
from mcp_stdio import VERSION, ProtocolError, Server
from morning import MORNING, afterwards
from step import Answer, mismatches

REPO = pathlib.Path(__file__).resolve().parents[2]
DESK = REPO / "tools" / "support_desk" / "desk"
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
        """Sends every call before it reads any answer; they take less time than one after the other."""
        started = time.monotonic()
        sent = [(step, *self.begin(step)) for step in steps]
        alone_us = sum(self.finish(*call).usage.get("wall_us", 0) for call in sent)
        together_us = round((time.monotonic() - started) * 1e6)
        print(f"      {len(steps)} calls in flight at once: {alone_us:,} µs of calls in {together_us:,} µs")
        if together_us >= alone_us:
            self.failed.append(f"{title}: the calls waited for each other")

    def begin(self, step):
        """Suggests one call; gives its arguments and the request's id."""
        arguments = step.arguments(self.returned) if callable(step.arguments) else step.arguments
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
        self.failed += [f"call {number}, {step.tool}: {sentence}" for sentence in wrong]
        return answer


def suggested(step, arguments):
    """The tool, its arguments, and the key if there is one."""
    key = [f"key {step.key}"] if step.key else []
    return [step.tool, *key, json.dumps(arguments, ensure_ascii=False)]


def decided(step, answer):
    """The verdict, the reason code of a refusal, and the rule."""
    verdict = "refuse" if answer.status == "refused" else "allow"
    reason = [answer.reason] if answer.status == "refused" else []
    rule = [answer.rule.replace(f"tools.{step.tool}.", "tools.….")] if answer.rule else []
    return [verdict, *reason, *rule]


def came_back(step, answer):
    """What the agent has of it: the result in short, or what it is told to do."""
    if answer.status != "completed":
        reason = [answer.reason] if answer.status == "failed" else []
        return [*reason, answer.text.removeprefix(f"{answer.reason}: ")]
    found = [f"found: {', '.join(answer.classes())}"] if answer.findings else []
    recorded = ["the recorded answer"] if answer.recorded else []
    return [*recorded, *found, step.shows(answer.output)]


def prepared(folder):
    """The demo's folder with a fresh copy of the desk and without an earlier ledger."""
    shutil.rmtree(folder / "desk", ignore_errors=True)
    for old in folder.glob("ledger*"):
        old.unlink()
    shutil.copytree(DESK, folder / "desk")
    return folder


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


def verify(toolgate, environment, calls):
    """What is wrong with the ledger, and its head."""
    command = [toolgate, "verify", "--policy", POLICY, "--json"]
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return [f"toolgate verify: {done.stdout}{done.stderr}"], None
    report = json.loads(done.stdout)
    wrong = [] if report["ok"] and report["running"] == 0 else [f"toolgate verify: {report}"]
    if report["calls"] != calls:
        wrong.append(f"the ledger should hold {calls} calls, and holds {report['calls']}")
    return wrong, report["head"]


def work(toolgate, folder):
    """The whole demo; gives everything that was not as it should be."""
    environment = {**os.environ, "TOOLGATE_DEMO": str(folder)}
    command = [toolgate, "serve", "--policy", POLICY]
    started = time.monotonic()
    with open(folder / "serve.log", "wb") as log, Server(command, environment, log, REPO) as server:
        demo = Demo(server)
        print(discover(server))
        table.head()
        demo.morning()
        code, took_s = server.close()
    wrong, head = verify(toolgate, environment, len(demo.calls))
    demo.failed += wrong + afterwards(folder / "desk")
    if code != 0:
        demo.failed.append(f"the server's exit code should be 0, and is {code}")
    print(f"\n{len(demo.calls)} calls in {time.monotonic() - started:.1f} s. The server ended {took_s * 1000:.0f} ms after its input, with exit code {code}.")
    print(f"The ledger is whole, and its head is {head}.")
    print(f"\nLook further:\n  {shown(toolgate)} trace {demo.run} --policy {POLICY}")
    print(f"  {shown(toolgate)} verify --policy {POLICY}")
    return demo.failed


def shown(path):
    """A path as a person would type it in the repository."""
    path = pathlib.Path(path)
    return path.relative_to(REPO) if path.is_relative_to(REPO) else path


def main():
    """Reads the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--toolgate", type=pathlib.Path, default=REPO / "target" / "debug" / "toolgate")
    parser.add_argument("--folder", type=pathlib.Path, default=REPO / "target" / "demo")
    options = parser.parse_args()
    toolgate, folder = options.toolgate.resolve(), options.folder.resolve()
    if not toolgate.is_file():
        print(f"there is no {toolgate}: `make demo` builds it", file=sys.stderr)
        return 2
    try:
        failed = work(toolgate, prepared(folder))
    except ProtocolError as error:
        failed = [str(error), "what the server said:", (folder / "serve.log").read_text(errors="replace")]
    for sentence in failed:
        print(f"NOT AS IT SHOULD BE: {sentence}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
