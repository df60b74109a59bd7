"""postil doctor: what works on this machine, and the proof that nothing connects."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from context.errors import NoWorkspace
from lsp.checks import Row, Status, builds, check_all
from lsp.commands.console import err, out, safe, settings
from lsp.offline.proof import Proof, Verdict, prove

_MARKS = {Status.FINE: "ok  ", Status.NOTE: "note", Status.PROBLEM: "[bold]BAD[/bold] "}
_VERDICTS = {
    Verdict.OFFLINE: "Postil did its work where no network can be reached.",
    Verdict.TRIED: "Something tried to reach a network; it is listed above.",
    Verdict.FAILED: "Postil did not get through its work without a network; see above.",
    Verdict.BROKEN: "Nothing is proven: the attempts that had to be stopped were not; see above.",
    Verdict.CANNOT: (
        "It cannot be proven here: this system closes no process off from the network. Under "
        "Linux, or in a container without a network, it can."
    ),
}
_EXIT_CODES = {Verdict.OFFLINE: 0, Verdict.CANNOT: 1, Verdict.BROKEN: 1}


def run(workspace: Path, *, as_json: bool) -> int:
    """0 when nothing is wrong, 3 otherwise. Raises `NoWorkspace`."""
    if not workspace.is_dir():
        raise NoWorkspace(f"There is no folder {workspace}; name the workspace's folder.")
    rows = []
    for row in check_all(settings(), workspace):
        rows.append(row)
        if not as_json:
            _show_row(row)
    bad = any(row.status is Status.PROBLEM for row in rows)
    if as_json:
        data = {"rows": [asdict(row) for row in rows], "gpu_builds": builds()}
        print(json.dumps(data))  # noqa: T201 - the command's result
    return 3 if bad else 0


def prove_offline(*, as_json: bool) -> int:
    """0 offline, 1 nothing could be proven, 3 something tried, or the work failed."""
    if not as_json:
        err.print(
            "Trying to connect where it must fail, then doing Postil's work there: this takes as "
            "long as loading the model ..."
        )
    proof = prove()
    if as_json:
        data = asdict(proof)
        data["controls"] = [{**asdict(c), "is_good": c.is_good} for c in proof.controls]
        print(json.dumps(data))  # noqa: T201 - the command's result
    else:
        _show_proof(proof)
    return _EXIT_CODES.get(proof.verdict, 3)


def _show_row(row: Row) -> None:
    out.print(f"{_MARKS[row.status]} {row.title:10} {safe(row.said)}")
    for line in row.remedy.split("\n") if row.remedy else ():
        out.print(f"                {safe(line)}")


def _show_proof(proof: Proof) -> None:
    for way, why_not in proof.why_not.items():
        out.print(f"{way}: not to be had here: {safe(why_not)}")
    if proof.way is not None:
        out.print(f"Closed off by: {_WAYS[proof.way.value]}")
        out.print("Attempts to connect that must be stopped there:")
    for control in proof.controls:
        outside = "arrives outside" if control.arrived_outside else "does not arrive outside either"
        if control.arrived_outside is None:
            outside = "not tried outside"
        inside = "ARRIVES INSIDE" if control.arrived_inside else f"inside: {control.error_inside}"
        mark = "ok  " if control.is_good else "[bold]BAD[/bold] "
        out.print(f"  {mark} {control.name:16} {outside}; {safe(inside or 'lost')}")
    if proof.strace:
        out.print(f"Watched by strace, which sees such an attempt: {safe(proof.trace_control)}")
    elif proof.way is not None:
        out.print("strace is not here or may not watch: attempts are stopped and not counted.")
    for step in proof.steps:
        mark = "[bold]BAD[/bold] " if step.has_failed else "ok  "
        out.print(f"  {mark} {step.name:18} {safe(step.said)}")
    for attempt in proof.attempts[:50]:
        who = f"{attempt.command or 'unknown command'} (process {attempt.pid})"
        out.print(f"  tried: {safe(attempt.call)}\n         by {safe(who)}")
    if proof.strace and proof.steps and not proof.attempts:
        out.print("  ok   no process tried to reach a network, as far as strace sees.")
    out.print(f"\n[bold]{_VERDICTS[proof.verdict]}[/bold]")


_WAYS = {
    "netns": "an empty network namespace (no interface but a loopback that is down)",
    "seccomp": "a seccomp filter that gives no process a socket but UNIX ones",
}
