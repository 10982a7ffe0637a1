"""The table that the demo prints: one block of lines a call, at most 100 columns wide.

Not here: whether something ended as it should. Invariant: no cell is wider than its column.
"""

import os
import sys
import textwrap

WIDTHS = {"": 4, "suggested": 25, "decided, and why": 19, "came back": 29, "fuel": 6, "µs": 7}
RIGHT = ("fuel", "µs")
GAP = "  "
CELL_LINES_MAX = 4
COLUMNS = sum(WIDTHS.values()) + len(GAP) * (len(WIDTHS) - 1)

PLAIN, BOLD, DIM, GREEN, RED = "0", "1", "2", "32", "31"


def paint(text, style):
    """The text in a style, where somebody is looking."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\033[{style}m{text}\033[0m"


def head():
    """The names of the columns, underlined."""
    print(paint(_line(list(WIDTHS)), BOLD))
    print(paint(GAP.join("─" * width for width in WIDTHS.values()), DIM))


def section(title):
    """A line between blocks."""
    print("\n" + paint(title, BOLD))


def row(number, passed, suggested, decided, came_back, fuel, wall_us):
    """One call. The cells in the middle are lists of paragraphs."""
    mark = f"{'✓' if passed else '✗'} {number:>2}"
    cost = [amount(fuel)], [f"{wall_us:,}" if wall_us else "–"]
    texts = zip(list(WIDTHS.values())[1:4], (suggested, decided, came_back))
    cells = [[mark], *(_wrapped(width, text) for width, text in texts), *cost]
    for at in range(max(map(len, cells))):
        line = _line([cell[at] if at < len(cell) else "" for cell in cells])
        style = (GREEN if passed else RED) if at == 0 else PLAIN
        print(paint(line[:1], style) + line[1:])


def note(text):
    """A line that belongs to the row above."""
    margin = " " * (WIDTHS[""] + len(GAP))
    print(paint(margin + textwrap.shorten(text, COLUMNS - len(margin), placeholder="…"), DIM))


def aside(passed, did, came_of_it):
    """What somebody else did between two calls, and what came of it."""
    print(paint("✓" if passed else "✗", GREEN if passed else RED) + " " * (WIDTHS[""] + len(GAP) - 1), end="")
    width = COLUMNS - WIDTHS[""] - len(GAP)
    print(textwrap.shorten(did, width, placeholder="…"))
    note(f"→ {came_of_it}")


def amount(number):
    """A count in at most six characters: `950`, `12.3K`, `200.0M`."""
    if not number:
        return "–"
    for unit in ("", "K", "M"):
        if number < 1000:
            return f"{number:.1f}{unit}" if unit else str(number)
        number /= 1000
    return f"{number:.1f}G"


def _wrapped(width, paragraphs):
    lines = []
    for paragraph in paragraphs:
        lines += textwrap.wrap(paragraph, width, break_long_words=True, break_on_hyphens=False)
    if len(lines) > CELL_LINES_MAX:
        last = lines[CELL_LINES_MAX - 1]
        lines = lines[: CELL_LINES_MAX - 1] + [last[: width - 1] + "…"]
    return lines


def _line(cells):
    sides = ((">" if name in RIGHT else "<") + str(width) for name, width in WIDTHS.items())
    return GAP.join(format(cell, side) for cell, side in zip(cells, sides)).rstrip()
