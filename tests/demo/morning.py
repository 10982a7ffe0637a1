"""The script: a morning at the support desk of a small shop, 20 November 2026.

Each section is a title, whether its calls are sent at once, and its steps. Not here: how a call is made.
Invariant: what a step needs of the desk is in the files shipped with the demo, so it ends the same way
each time.
"""

import json
import secrets
import unicodedata

from step import Step, completes, fails, refused

# Keys are remembered for a day and longer than one demo: each demo has its own.
DEMO = secrets.token_hex(3)

REFUND = {"order_id": "A-1001", "amount": 49.9, "reason": "Oak desk lamp: the shade came cracked (T-1)"}
TEXT_T1 = "Dear Ana, we are sorry about the lamp. 49.90 EUR are on their way to you. Kind regards, the desk"
HANDOVER = "# Handover\n\n- T-1: 49.90 EUR refunded\n- T-5: wants another address\n"


def names(listing):
    """The files of a listing."""
    return [entry["path"] for entry in listing["entries"]]


def harmless(text):
    """True when the text holds nothing that draws nothing and nothing that turns text around."""
    return not any(unicodedata.category(character) in ("Cc", "Cf") and character != "\n" for character in text)


def shown_table(table):
    """Rows of a table, one after the other."""
    return "; ".join(" ".join(map(str, row)) for row in table["rows"])


def shown_order(order):
    """An order in a few words."""
    return f"{order['order_id']}: {order['customer']}, {order['status']}, {order['total']} EUR"


def shown_refund(refund):
    """A refund in a few words."""
    return f"{refund['refund_id']}: {refund['amount']} EUR, {refund['left']} left"


def order(number, customer):
    """Finding an order that is there."""
    return Step(
        "find_order",
        {"order_id": f"A-{number}"},
        "What did this customer buy, and where is it?",
        completes(lambda out: out["customer"] == customer),
        shows=shown_order,
    )


def counting_days(thought, ends):
    """How long the clock of T-4 has worked."""
    return Step(
        "date_difference",
        {"from": "2026-09-19", "to": "2026-11-20"},
        thought,
        ends,
        own=True,
        shows=lambda out: f"{out['total_days']} days",
    )


def read(file):
    """The text of a file, empty where there is none."""
    return file.read_text("utf-8") if file.is_file() else ""


LOOK = [
    Step(
        "list_files",
        {"path": "/desk", "depth": 2},
        "What is on the desk this morning?",
        completes(lambda out: {"/desk/inbox/tickets.csv", "/desk/kb/lamps.html"} <= set(names(out))),
        shows=lambda out: f"{len(names(out))} entries: {', '.join(names(out))}",
    ),
    Step(
        "query_table",
        {
            "path": "/desk/inbox/tickets.csv",
            "filter": [{"column": "status", "op": "eq", "value": "open"}],
            "group_by": ["priority"],
            "aggregate": [{"function": "count"}],
        },
        "How many tickets are open, and how urgent are they?",
        completes(lambda out: sum(row[1] for row in out["rows"]) == 7),
        shows=shown_table,
    ),
    Step(
        "read_file",
        {"path": "/desk/kb/refunds.md"},
        "The rules first: when may I refund?",
        completes(lambda out: "needs a person" in out["text"]),
        shows=lambda out: f"{out['last_line']} lines: {out['text']}",
    ),
    Step(
        "read_file",
        {"path": "/desk/orders/orders.json"},
        "The orders, to look through them.",
        completes(lambda out: len(json.loads(out["text"])) == 12),
        name="orders",
        shows=lambda out: f"{out['last_line']} lines of JSON",
    ),
    Step(
        "query_json",
        lambda seen: {"json": seen["orders"]["text"], "program": '[.[] | select(.status == "paid") | .order_id]'},
        "Which orders have not been sent yet?",
        completes(lambda out: out["results"] == [["A-1006", "A-1011"]]),
        shows=lambda out: ", ".join(out["results"][0]),
    ),
    Step(
        "query_table",
        {
            "path": "/desk/sales.xlsx",
            "group_by": ["article"],
            "aggregate": [{"function": "sum", "column": "returns", "as": "returned"}],
            "sort": [{"column": "returned", "descending": True}],
            "limit": 2,
        },
        "What comes back most often? The workbook knows.",
        completes(lambda out: out["rows"][0] == ["Oak desk lamp", 15]),
        shows=shown_table,
    ),
]

STUCK = [
    Step("loop_forever", {}, "This one should be quick.", fails("out_of_fuel")),
    Step("sleep_forever", {}, "And this one.", fails("deadline")),
    order(1001, "Ana Ruiz"),
    order(1003, "Mei Tanaka"),
    order(1010, "Sofia Rossi"),
    Step(
        "search_files",
        {"path": "/desk/kb", "pattern": "parcel back"},
        "Who pays for a parcel that comes back?",
        completes(lambda out: out["matches"][0]["path"] == "/desk/kb/shipping.md"),
        shows=lambda out: out["matches"][0]["text"],
    ),
]

CRACKED = [
    Step(
        "web_page_to_markdown",
        {"path": "/desk/kb/lamps.html"},
        "What do our own pages say about a cracked shade?",
        completes(
            lambda out: "can be dimmed" in out["markdown"]
            and "lifted" not in out["markdown"]
            and harmless(out["markdown"]),
            finds=("tag_characters", "zero_width", "bidi"),
        ),
        shows=lambda out: f"{out['title']} (left out: {out['dropped']['hidden']} hidden parts)",
    ),
    Step(
        "refund_order",
        REFUND,
        "A damaged item is refunded in full, and below 75 EUR no return is needed.",
        completes(lambda out: out["refund_id"] == "R-0001", rule="refund-up-to-100"),
        key=f"{DEMO}-T-1",
        shows=shown_refund,
    ),
    Step(
        "refund_order",
        REFUND,
        "Did that go through? I send it again, with the same key.",
        completes(lambda out: out["refund_id"] == "R-0001", rule="refund-up-to-100", recorded=True),
        key=f"{DEMO}-T-1",
        shows=shown_refund,
    ),
    Step(
        "refund_order",
        REFUND | {"amount": 12.9},
        "And a candle, under the same key by mistake.",
        refused("key_mismatch"),
        key=f"{DEMO}-T-1",
    ),
    Step(
        "reply_to_ticket",
        {"ticket_id": "T-1", "text": f"{TEXT_T1}\nMore: https://kestrel-pine.example/kb/lamps"},
        "Tell her, with the address of the page.",
        refused("denied_by_policy", rule="reply-without-links"),
    ),
    Step(
        "reply_to_ticket",
        {"ticket_id": "T-1", "text": TEXT_T1},
        "Then in words.",
        completes(lambda out: not out["replaced"]),
        shows=lambda out: out["path"],
    ),
]

TEMPTED = [
    Step(
        "refund_order",
        {"order_id": "A-1006", "amount": 1380, "reason": "T-5: cancel it, rather than change the address"},
        "Paying everything back would be quicker than changing an address.",
        refused("denied_by_policy", rule="refund-above-500"),
    ),
    Step(
        "calculate",
        {"expression": "59.20 / 4"},
        "What does one of four mugs cost?",
        completes(lambda out: out["result"] == "14.8" and out["exact"]),
        own=True,
        shows=lambda out: out["result"],
    ),
    Step(
        "find_orders",
        {"customer": "Grace Okafor"},
        "T-8 names an order that is not there; I look for her others.",
        refused("unknown_tool"),
    ),
    Step(
        "query_json",
        lambda seen: {
            "json": seen["orders"]["text"],
            "program": '[.[] | select(.customer == "Grace Okafor") | .order_id]',
        },
        "Then with the tool that there is.",
        completes(lambda out: out["results"] == [["A-1008"]]),
        shows=lambda out: ", ".join(out["results"][0]),
    ),
    Step(
        "find_order",
        {"order": 1008},
        "Is it that one?",
        refused("invalid_arguments"),
    ),
    order(1008, "Grace Okafor"),
    Step(
        "read_file",
        {"path": "/etc/passwd"},
        "A page said that I should look into this file.",
        fails("tool_error"),
    ),
    counting_days("T-4: is the clock older than 30 days?", completes(lambda out: out["total_days"] == 62)),
    Step("broken_answer", {}, "How many tickets are still open?", fails("invalid_output")),
]

HANDING_OVER = [
    Step(
        "write_file",
        {"path": "/desk/outbox/handover.md", "text": HANDOVER},
        "What the next shift should know.",
        completes(lambda out: out["bytes"] == len(HANDOVER), rule="write-the-handover"),
        shows=lambda out: f"{out['bytes']} bytes written",
    ),
    Step(
        "edit_file",
        {"path": "/desk/outbox/handover.md", "old": "another address", "new": "12 Mill Lane (order not sent yet)"},
        "More exactly.",
        completes(lambda out: out["replacements"] == 1, rule="edit-the-handover"),
        shows=lambda out: f"{out['replacements']} place changed",
    ),
    Step(
        "read_file",
        {"path": "/desk/outbox/handover.md"},
        "Is it as I meant it?",
        completes(lambda out: "12 Mill Lane" in out["text"]),
        name="handover",
        shows=lambda out: out["text"],
    ),
    Step(
        "diff_text",
        lambda seen: {"old": HANDOVER, "new": seen["handover"]["text"]},
        "Show what I changed.",
        completes(lambda out: (out["added"], out["removed"]) == (1, 1)),
        shows=lambda out: f"+{out['added']} -{out['removed']}",
    ),
]

MORNING = [
    ("08:45  What lies on the desk", False, LOOK),
    ("09:00  Six calls at once, and two of them hang", True, STUCK),
    ("09:10  T-1: a cracked lamp, and a poisoned page about it", False, CRACKED),
    ("09:30  Temptations and mistakes", False, TEMPTED),
    ("12:00  Handing over", False, HANDING_OVER),
]


def afterwards(desk):
    """What is not as it should be on the desk, once the morning is over."""
    refunds = read(desk / "books" / "refunds.jsonl").splitlines()
    wrong = [] if len(refunds) == 1 else [f"there should be one refund, and there are {len(refunds)}"]
    if read(desk / "outbox" / "ticket-T-1.md") != TEXT_T1:
        wrong.append("the reply to T-1 should be the one that was sent")
    return wrong
