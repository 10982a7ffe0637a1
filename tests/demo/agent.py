"""A scripted agent's day at a support desk: it speaks MCP over stdio to `toolgate serve`, as any agent does.

Usage: agent.py [TOOLGATE] [--folder DIR] [--policy FILE]

TOOLGATE is the program, DIR a folder for a fresh copy of the desk and for the ledger, FILE the policy; without
them they are target/debug/toolgate, target/demo and policies/demo.toml. It prints what the agent suggested,
what was decided and why, what came back and what it cost, between them what a person did in a shell, and then
compares the ledger with all that. The exit code is 0 only if every call and every command ended as it should.
Python 3.9 or later, standard library only.
"""

import argparse
import os
import pathlib
import shutil
import sys
import time
from contextlib import ExitStack
from functools import partial

import table
from afternoon import AFTERNOON, in_the_evening
from calls import Agent
from mcp_stdio import VERSION, ProtocolError, Server
from morning import MORNING, afterwards
from person import REPO, Person

DESK = REPO / "tools" / "support_desk" / "desk"
FOLDER = REPO / "target" / "demo"
POLICY = REPO / "policies" / "demo.toml"
# The shop's files are shipped; these are what is done at the desk.
MADE = ("answers", "books", "outbox", "pickups")


def prepare(folder):
    """Puts a fresh copy of the desk into the folder, and takes an earlier ledger out of it."""
    shutil.rmtree(folder / "desk", ignore_errors=True)
    for old in (*folder.glob("ledger*"), *folder.glob("serve.log")):
        old.unlink()
    shutil.copytree(DESK, folder / "desk", ignore=shutil.ignore_patterns(*MADE, ".gitignore", "*.py"))
    for made in MADE:
        (folder / "desk" / made).mkdir()


def discover(server, policy):
    """Asks who serves which tools; gives a sentence."""
    found = result(server, "server/discover")
    if VERSION not in found.get("supportedVersions", []):
        raise ProtocolError(f"the server does not speak {VERSION}: {found}")
    tools = result(server, "tools/list")["tools"]
    name = found["_meta"]["io.modelcontextprotocol/serverInfo"]
    return f"{name['name']} {name['version']} serves {len(tools)} tools over MCP {VERSION}, by {policy}"


def result(server, method):
    """The result of a request that has to work."""
    message = server.answer(server.send(method))
    if "result" not in message:
        raise ProtocolError(f"{method} failed: {message.get('error')}")
    return message["result"]


def spend_the_day(agent, person, desk):
    """Every call and every command of the scripts, a section at a time; gives the morning's run."""
    for title, at_once, steps in MORNING:
        table.section(title)
        if at_once:
            agent.all_at_once(title, steps)
        else:
            agent.does(*steps)
    agent.failed += afterwards(desk)
    morning = agent.run
    for title, section in AFTERNOON:
        table.section(title)
        section(agent, person, desk)
    agent.failed += in_the_evening(desk)
    return morning


def recorded(agent, person):
    """Compares the ledger with what the agent saw; gives its head."""
    report = person.reads("verify")
    if not report["ok"] or report["running"]:
        agent.failed.append(f"the ledger should be whole, and every call ended: {report}")
    for run, calls in agent.calls.items():
        trace = person.reads("trace", run)
        if {call["call"] for call in trace["calls"]} != set(calls):
            agent.failed.append(f"the ledger should hold {len(calls)} calls of {run} and no other")
    return report["head"]


def work(toolgate, folder, policy, failed):
    """The whole demo by this policy; everything that is not as it should be goes into `failed`."""
    environment = {**os.environ, "TOOLGATE_DEMO": str(folder)}
    command = [toolgate, "serve", "--policy", policy]
    person = Person(toolgate, policy, environment)
    print(person.says("check", policy).strip())
    with ExitStack() as open_things:
        log = open_things.enter_context(open(folder / "serve.log", "wb"))
        agent = open_things.enter_context(Agent(partial(Server, command, REPO, environment, log), failed))
        print(discover(agent.server, policy), end="\n\n")
        table.head()
        started = time.monotonic()
        morning = spend_the_day(agent, person, folder / "desk")
        took_s = time.monotonic() - started
        code, ended_s = agent.server.close()
    if code != 0:
        failed.append(f"the server's exit code should be 0, and is {code}")
    head = recorded(agent, person)
    print(f"\n{agent.count()} calls in {len(agent.calls)} runs and {took_s:.1f} s. ", end="")
    print(f"The server ended {ended_s * 1000:.0f} ms after its input.")
    print(f"The ledger is whole. Its head: {head}")
    place = "" if folder == FOLDER else f"TOOLGATE_DEMO={folder} "
    print("Look further:")
    for question in (f"trace {morning}", f"trace {agent.run} --why", "runs", "verify"):
        print(f"  {place}{shown(toolgate)} {question} --policy {policy}")


def shown(path):
    """A path as a person would type it in the repository."""
    path = pathlib.Path(path)
    return path.relative_to(REPO) if path.is_relative_to(REPO) else path


def main():
    """Reads the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("toolgate", nargs="?", type=pathlib.Path, default=REPO / "target" / "debug" / "toolgate")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--policy", type=pathlib.Path, default=POLICY)
    options = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    toolgate, folder = options.toolgate.resolve(), options.folder.resolve()
    if not toolgate.is_file():
        print(f"there is no {toolgate}: `make demo` builds it", file=sys.stderr)
        return 2
    failed = []
    try:
        prepare(folder)
        work(toolgate, folder, shown(options.policy.resolve()), failed)
    except (ProtocolError, OSError) as error:
        log = folder / "serve.log"
        failed += [str(error)] + (log.read_text("utf-8", "replace").splitlines() if log.is_file() else [])
    for sentence in failed:
        print(f"not as it should be: {sentence}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
