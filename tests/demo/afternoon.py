"""The afternoon at the same desk: what keeps an agent from running away, and a desk from forgetting.

Each section is a run of its own, in which an agent, a person and the world outside take turns. Not here: how
a call or a command is made (`calls`, `person`). Invariant: what a section did to the world it undoes, or no
other section looks at it.
"""

import json
import time

import table
from morning import DEMO, counting_days, order, read, shown_refund
from person import until
from step import Step, completes, fails, refused

CARRIER_SAYS = "The carrier does not answer now; this is what it said within the past hour."
REFUND = {"order_id": "A-1012", "amount": 118.6, "reason": "Ines Costa called: all of it came broken"}
TEXT_T6 = "Dear Sofia, a courier fetches both lamps on Monday at ten. Kind regards, the desk"
WORD = {"order_id": "A-1010", "word": "Monday at ten"}

# A host looks at the switches every 10 ms.
SWITCHES_SEEN_S = 0.05


def tracking(number, thought, ends):
    """Asking the carrier about an order."""
    return Step("track_parcel", {"order_id": f"A-{number}"}, thought, ends, shows=shown_parcel)


def shown_parcel(parcel):
    """A parcel in a few words."""
    return f"{parcel['order_id']}: {parcel['state']}, {parcel['place']}, seen {parcel['seen']}"


def carrier_is_down(agent, person, desk):
    """A tool fails; its breaker opens, a fallback stands in, and a probe closes it again."""
    agent.enter(person.starts("T-2: tell Jonas where his throw is"))
    throw = "T-2: where is the throw?"
    agent.does(tracking(1002, throw, completes(lambda out: out["place"] == "sorting centre, Leipzig")))
    down = desk / "carrier" / "down"
    down.touch()
    table.note("the carrier goes down")
    stands_in = {"holds": lambda out: out["place"] == "sorting centre, Leipzig", "says": CARRIER_SAYS}
    broken = agent.does(
        tracking(1007, "And Ana's cushion?", fails("tool_error")),
        tracking(1002, "And the throw, once more?", completes(degraded="tool_error", **stands_in)),
        tracking(1003, "Is it only these two?", fails("tool_error")),
        tracking(1002, throw, completes(degraded="breaker_open", rule="guard.breaker", **stands_in)),
        tracking(1004, "Another parcel, perhaps?", refused("breaker_open", rule="guard.breaker", waits=True)),
    )
    down.unlink()
    table.note("the carrier is up again; the agent waits as long as it was told")
    time.sleep((broken.retry_after_ms or 0) / 1000)
    agent.does(
        tracking(1004, "Now? This one call probes.", completes(lambda out: out["state"] == "delivered")),
        tracking(1007, "And all others pass again.", completes(lambda out: out["place"] == "depot, Vienna")),
    )


def agent_loops(agent, person, _):
    """A call is repeated: a notice, refusals, a halt; a person looks and lets the run go on."""
    run = person.starts("T-4: is the clock covered?")
    agent.enter(run)

    def again(thought, ends):
        arguments = {"order_id": "A-1005"}
        return Step("find_order", arguments, thought, ends, shows=lambda out: f"delivered {out['delivered']}")

    repeated = refused("repetition", rule="guard.repetition")
    ago = "And how long ago is that?"
    agent.does(
        again("When did she get the clock?", completes()),
        again("When did she get the clock?", completes(says="The next repeat is refused.")),
        again("When did she get the clock?", repeated),
        again("Perhaps now?", repeated),
        again("Perhaps now?", repeated),
        counting_days(ago, refused("run_halted", rule="guard.course")),
    )
    person.does(
        "run",
        "resume",
        run,
        "--why",
        "it has the order; it was stuck",
        holds=lambda said: said["done"] == "resumed",
        shows=lambda said: said["done"],
    )
    agent.does(counting_days(ago, completes(lambda out: out["total_days"] == 62)))


def person_decides(agent, person, _):
    """A refund that the agent may not make alone: asked, approved, made once; asked again, and denied."""
    agent.enter(person.starts("Refund the broken parcel of Ines Costa"))

    def refund(key, thought, ends):
        return Step("refund_order", REFUND, thought, ends, key=f"{DEMO}-{key}", shows=shown_refund)

    waits = refused("needs_approval", rule="refund-above-100", waits=True)
    made = completes(lambda out: out["refund_id"] == "R-0002" and out["left"] == 0, rule="refund-above-100")
    recorded = completes(lambda out: out["refund_id"] == "R-0002", rule="refund-above-100", recorded=True)
    asked = agent.does(refund("A-1012", "Everything in it is broken: all of it back.", waits)).approval
    person.does(
        "approvals",
        holds=lambda said: [(row["id"], row["arguments"]) for row in said] == [(asked, REFUND)],
        shows=lambda said: f"{said[0]['tool']} waits: {json.dumps(said[0]['arguments'])}",
    )
    answer(person, "approve", asked)
    asked = agent.does(
        refund("A-1012", "Has somebody decided? The very same call.", made),
        refund("A-1012", "Did that go through? The same key.", recorded),
        refund("A-1012-b", "And once more, under another key: one yes is one refund.", waits),
    ).approval
    answer(person, "deny", asked, "--why", "it has been paid back")
    agent.does(refund("A-1012-b", "And now?", refused("needs_approval", rule="refund-above-100")))


def answer(person, verb, approval, *more):
    """Answers what waits."""
    word = {"approve": "approved", "deny": "denied"}[verb]
    person.does(
        verb,
        approval,
        *more,
        holds=lambda said: (said["approval"], said["state"]) == (approval, word),
        shows=lambda said: said["state"],
    )


def person_stops_it(agent, person, desk):
    """A call that waits is stopped from another shell; nothing of the run passes until the switch is lifted."""
    run = person.starts("T-4: what does the colleague say about the clock?")
    agent.enter(run)

    def waiting(ends):
        return Step(
            "wait_for_colleague",
            {"ticket_id": "T-4"},
            "A colleague knows whether a clock is covered.",
            ends,
            shows=lambda out: out["text"],
        )

    step = waiting(fails("killed"))
    sent = agent.begin(step)
    until("the call runs", lambda: person.reads("status", run)["usage"]["in_flight"] == 1)
    person.does(
        "kill",
        run,
        "--why",
        "the colleague is at home",
        holds=lambda said: (said["stopped"], said["all_stopped"]) == (1, True),
        shows=lambda said: f"{said['stopped']} call stopped; the host has acknowledged",
    )
    agent.finish(step, *sent)
    agent.does(waiting(refused("killed")))
    person.does(
        "unkill",
        run,
        holds=lambda said: said["lifted"] and not said["still_on"],
        shows=lambda _: "lifted",
    )
    (desk / "answers" / "T-4.md").write_text("Clocks are covered for two years.", "utf-8")
    table.note("the colleague answers")
    time.sleep(SWITCHES_SEEN_S)
    agent.does(waiting(completes(lambda out: "two years" in out["text"])))


def server_crashes(agent, person, desk):
    """`kill -9` in the middle of an effect: nothing is forgotten, nothing is guessed, nothing is done twice."""
    run = person.starts("T-6: fetch the two lamps from Sofia")
    agent.enter(run)
    agent.does(order(1010, "Sofia Rossi"))

    def booking(ends, **more):
        thought = "She returns both lamps: a courier fetches them."
        return Step("book_pickup", {"order_id": "A-1010"}, thought, ends, shows=shown_booking, **more)

    pickups = desk / "pickups" / "pickups.jsonl"
    step = booking(fails("killed"))
    arguments, _ = agent.begin(step)
    until("the courier has been told", lambda: pickups.is_file() and pickups.read_bytes().endswith(b"\n"))
    agent.crash()
    left = until("the next server has found what the last one left", lambda: person.reads("doubts"))
    call = left[0]["call"]
    agent.lost(step, arguments, call)
    person.does(
        "status",
        run,
        holds=lambda said: (said["usage"]["steps"], said["usage"]["in_flight"]) == (2, 0),
        shows=lambda said: f"{shown_steps(said)}: none is forgotten",
    )
    person.does(
        "doubts",
        holds=lambda said: [(doubt["call"], doubt["run"], doubt["tool"]) for doubt in said]
        == [(call, run, "book_pickup")],
        shows=lambda said: f"{said[0]['tool']} {json.dumps(said[0]['content']['arguments'])}: did it happen?",
    )
    agent.does(booking(refused("in_doubt")))
    person.does(
        "doubts",
        call,
        "--done",
        json.dumps(WORD),
        holds=lambda said: (said["call"], said["resolution"]) == (call, "done"),
        shows=lambda said: f"{said['resolution']}: the courier was asked, and it happened",
    )
    agent.does(
        booking(completes(lambda out: out == WORD, rule="", recorded=True), own=True),
        Step(
            "reply_to_ticket",
            {"ticket_id": "T-6", "text": TEXT_T6},
            "Tell her.",
            completes(lambda out: not out["replaced"]),
            shows=lambda out: out["path"],
        ),
    )
    person.does(
        "status",
        run,
        holds=lambda said: said["usage"]["steps"] == 3,
        shows=shown_steps,
    )


def shown_steps(status):
    """What a run has used, and has left."""
    return f"{status['usage']['steps']} calls used, {status['remaining']['steps']} left"


def shown_booking(booked):
    """A courier in a few words."""
    return f"{booked['order_id']}: {booked['word']}"


AFTERNOON = [
    ("13:00  The carrier is down: a breaker, a fallback, a probe", carrier_is_down),
    ("13:30  The agent goes round in a circle, and is stopped", agent_loops),
    ("14:00  A refund that a person decides about", person_decides),
    ("15:00  A run is stopped from another shell", person_stops_it),
    ("16:00  The server is killed in the middle of a call", server_crashes),
]


def in_the_evening(desk):
    """What is not as it should be on the desk, once the afternoon is over."""
    wrong = []
    for what, file, expected in [
        ("refunds", "books/refunds.jsonl", ["A-1001", "A-1012"]),
        ("couriers", "pickups/pickups.jsonl", ["A-1010"]),
    ]:
        orders = [json.loads(line)["order_id"] for line in read(desk / file).splitlines()]
        if orders != expected:
            wrong.append(f"the {what} should be for {expected}, and are for {orders}")
    return wrong
