"""What came of the planted bugs, printed: each share in percent with its 95 % interval (Wilson)."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from models.backends import TokenLog
from models.tasks.lines import scored_lines
from tests.bench.intervals import bootstrap, share
from tests.bench.planted.planting import Case
from tests.bench.planted.repairing import print_repaired
from tests.bench.planted.ways import SHIPPED, Scores, by_number, by_reading, mixed, place_of

FIRST = (1, 3, 5)
NAMED_WEIGHTS = (0.5, 1.0, 2.0)  # nats that a line gains when the answer names it
BONUS = 1_000.0  # more than any score
THOUGHT = {  # by stage
    "think": "thinking alone",
    "write": "thinking, told the likeliest lines; the fix is written, read where that fails",
    "fix": "thinking, told the likeliest lines; the fix is read, written where that fails",
}
Rows = Mapping[str, Mapping[str, Any]]


def report(cases: Sequence[Case], by_stage: Mapping[str, Rows]) -> None:
    score, lines = by_stage["score"], by_stage["lines"]
    print(f"{len(cases)} cases: {_counted(case.language for case in cases)}")
    print(_counted(case.kind.value for case in cases))
    both = [case for case in cases if case.id in score]
    _print_ways("scoring", both, score, {})
    if lines:
        _print_ways("also by number", [c for c in both if c.id in lines], score, lines)
    for stage, title in THOUGHT.items():
        thought = by_stage[stage]
        if asked := [case for case in both if case.id in thought]:
            _print_thought(title, asked, score, thought)
    print_repaired("repaired by reading, in any line", cases, by_stage["repair"])
    print_repaired("repaired by reading, where lines were named", cases, by_stage["named"])
    for what in ("language", "kind"):
        _print_groups(what, both, score)


def _counted(values: Any) -> str:
    return ", ".join(f"{name} {n}" for name, n in Counter(values).most_common())


def reading(case: Case, score: Rows) -> dict[str, Scores]:
    return by_reading(case, [TokenLog(*one) for one in score[case.id]["logs"]])


def _print_ways(title: str, cases: Sequence[Case], score: Rows, lines: Rows) -> None:
    if not cases:
        return
    rows = lines or score
    seconds = statistics.mean(rows[case.id]["elapsed_s"] for case in cases)
    print(f"\n{title}: {len(cases)} cases, {seconds:.1f} s a function")
    places: dict[str, list[int]] = {}
    for case in cases:
        ways = reading(case, score)
        if lines:
            numbers = by_number(lines[case.id])
            ways |= numbers
            for name in numbers:
                ways[f"{SHIPPED} and {name}"] = mixed(ways[SHIPPED], numbers[name])
        for name, scores in ways.items():
            places.setdefault(name, []).append(place_of(case, scores))
    print_places(places)


def print_places(places: Mapping[str, Sequence[int]]) -> None:
    heads = "  ".join(f"first {k}".rjust(20) for k in FIRST)
    print(f"{'':52}{heads}  MRR")
    for name, found in places.items():
        shares = "  ".join(share([place < k for place in found]).rjust(20) for k in FIRST)
        mrr = statistics.mean(1 / (place + 1) for place in found)
        print(f"{name:52}{shares}  {mrr:.3f}")


def _print_thought(title: str, cases: Sequence[Case], score: Rows, thought: Rows) -> None:
    rows = [thought[case.id] for case in cases]
    found = [row for row in rows if row.get("found")]
    print(f"\n{title}: {len(cases)} cases")
    print(f"answers that parse: {share([row['parses'] for row in rows])}")
    print(f"answers that name a bug: {share([bool(row.get('found')) for row in rows])}")
    if tried := [row for row in found if "fix_passes" in row]:
        print(f"fixes that pass the gate, of those: {share([row['fix_passes'] for row in tried])}")
        print(f"fixes that restore the original: {share([bool(r.get('restores')) for r in tried])}")
        for how, is_read in (("by reading", True), ("written", False)):
            these = [r for r in tried if r["fix_passes"] and bool(r.get("by_reading")) is is_read]
            n_right = sum(bool(r.get("restores")) for r in these)
            print(f"  {how}: {len(these)} let through, {n_right} right")
        print(f"  of them by: {_counted(r['restores'] for r in tried if r.get('restores'))}")
        if seconds := [row["fix_seconds"] for row in tried if "fix_seconds" in row]:
            print(f"seconds a fix: {statistics.median(seconds):.1f} (median)")
    _print_traces(found)
    print(f"seconds an answer: {statistics.median(row['elapsed_s'] for row in rows):.1f} (median)")
    print_places(_answered(cases, score, thought))


def _print_traces(found: Sequence[Mapping[str, Any]]) -> None:
    cited, shown = sum(r["n_cited"] for r in found), sum(r["n_shown"] for r in found)
    if each := [row["n_shown"] / row["n_cited"] for row in found if row["n_cited"]]:
        low, high = bootstrap(each)
        print(
            f"references in traces that were shown: {shown} of {cited}; of a trace "
            f"{100 * statistics.mean(each):.1f} ({100 * low:.1f} to {100 * high:.1f})"
        )
    print(f"traces with another script: {sum(bool(row['n_foreign']) for row in found)}")
    print(f"cut: {_counted(row['cut'] for row in found)}")


def _answered(cases: Sequence[Case], score: Rows, thought: Rows) -> dict[str, list[int]]:
    """The lines that an answer names, in their order; then all lines by their score."""
    places: dict[str, list[int]] = {}
    for case in cases:
        lines = scored_lines(case.snippet)
        first, last = thought[case.id].get("found") or (0, -1)
        named = [line for line in range(first, last + 1) if line in lines]
        scores = reading(case, score)[SHIPPED]
        answered = named.index(case.line) if case.line in named else len(lines)
        places.setdefault("scoring", []).append(place_of(case, scores))
        places.setdefault("answered", []).append(answered)
        after = [s + BONUS * (line in named) for line, s in zip(lines, scores, strict=True)]
        places.setdefault("answered, then scoring", []).append(place_of(case, after))
        for weight in NAMED_WEIGHTS:
            both = [s + weight * (line in named) for line, s in zip(lines, scores, strict=True)]
            name = f"scoring, {weight:g} nats for a named line"
            places.setdefault(name, []).append(place_of(case, both))
    return places


def _print_groups(what: str, cases: Sequence[Case], score: Rows) -> None:
    groups: dict[str, list[int]] = {}
    for case in cases:
        place = place_of(case, reading(case, score)[SHIPPED])
        groups.setdefault(str(getattr(case, what)), []).append(place)
    print(f"\n{SHIPPED}, by {what}")
    print_places({f"{name} ({len(places)})": places for name, places in sorted(groups.items())})
