"""Write a test of a function: the model writes the test alone; file, place and imports are ours.

Where the project has tests of the file, the test goes to their end; else into a new file that is
named and placed as the others are; in Rust into the file itself. A test is refused that does not
call the function, compares nothing, or does what a test of a function need not: start programs,
touch files, use the network.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from context.languages import language_of
from context.test_places import PlaceOfTest, build_files, place_of_test
from context.text import Span, Text, content_hash, indent_of
from context.window import Snippet, render_plain
from models.asking import Asking, packed
from models.errors import ReplyUnusable
from models.findings import Edit, NewFile, Proposal, Refusal
from models.gate import Code, added_refusal, new_file_refusal
from models.prompts import Grammar, writing
from models.replies import parse_test_code
from models.tasks.edit import EditTask
from models.tasks.frameworks import Framework, Tested, framework_of
from models.tasks.proposing import Checked, Question, propose

MAX_ANSWER_TOKENS = 640  # what the form allows at most, so that every answer ends
MAX_EXAMPLE_LINES = 14  # of one test, shown for its style
# What a test that a model wrote may not reach for, unless the tested code itself does.
_REACHES_OUT = re.compile(
    r"\b(?:subprocess|socket|urllib|requests|httpx|shutil|ctypes|importlib|__import__|eval|exec"
    r"|popen|system|rmtree|unlink|remove_?dirs|rmdir|urlopen|fetch|XMLHttpRequest|child_process"
    r"|execSync|spawn|writeFile\w*|process\.exit|os/exec|net/http|syscall|RemoveAll|os\.Remove)\b"
    r"|\bopen\s*\(|\bfs\.|\bDeno\.|\bBun\.",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything about the test but its text."""

    tested: Tested
    place: PlaceOfTest
    framework: Framework


async def propose_test(
    task: EditTask,
    snippets: Sequence[Snippet],
    sources: Mapping[str, str],
    known: Sequence[str],
    code: Code,
    asking: Asking,
) -> Proposal:
    """A test of the function around the task's first line.

    `known`: all paths of the workspace. `sources`: texts of the shown files and of the test files
    that `read_for_test` names. Raises `ReplyUnusable`.
    """
    plan = await _plan(task, sources, known, code)
    window = await packed(snippets, asking)
    name = plan.tested.function.name
    example = await _example(plan, sources, code)

    async def check(text: str) -> Checked:
        test = plan.framework.finished(parse_test_code(text))
        return await _checked(test, plan, sources, known, code)

    question = Question(
        title=f"Write a test of {name}",
        conversation=writing.write_test(render_plain(window), name, plan.framework.spoken, example),
        form=Grammar.TEST_CODE,
        window=window,
        told=f"{name}\n{example}",
        max_answer_tokens=MAX_ANSWER_TOKENS,
        answer_prefix=f"```\n{plan.framework.opening(name)}",
    )
    return await propose(question, check, asking)


async def _checked(
    test: str, plan: _Plan, sources: Mapping[str, str], known: Sequence[str], code: Code
) -> Checked:
    if refusal := await _test_refusal(test, plan, code):
        return Checked(refusals=(refusal,))
    if plan.place.exists:
        edits = await _added(test, plan, code)
        with_test = {**sources, plan.place.path: plan.tested.existing}
        refusal = await added_refusal(edits, with_test, code)
        return Checked(refusals=(refusal,)) if refusal else Checked(tuple(edits))
    text = plan.framework.new_file(plan.tested, test)
    new = NewFile(plan.place.path, text, _reason(plan))
    refusal = await new_file_refusal(new, known, code)
    return Checked(refusals=(refusal,)) if refusal else Checked(new_files=(new,))


def read_for_test(path: str, known: Sequence[str]) -> list[str]:
    """Files whose text `propose_test` reads: tests, and what a project is built with."""
    place = place_of_test(path, known)
    if place is None:
        return []
    read = [place.path] if place.exists else []
    read += [place.example] if place.example else []
    return list(dict.fromkeys([*read, *build_files(path, known)]))


async def _plan(
    task: EditTask, sources: Mapping[str, str], known: Sequence[str], code: Code
) -> _Plan:
    path, source = task.path, sources[task.path]
    language = language_of(path)
    place = place_of_test(path, known)
    if language is None or place is None:
        raise ReplyUnusable(
            "Postil writes tests for Python, JavaScript, TypeScript, Go, Rust and Java (in "
            "src/main/java) only, and where their place is free."
        )
    function = (await code.anatomy(path, source)).around(task.first_line)
    if function is None:
        raise ReplyUnusable("There is no function at these lines; select one to test.")
    existing = sources.get(place.path, "") if place.exists else ""
    example = sources.get(place.example, "") if place.example else ""
    built = "\n".join(sources.get(file, "") for file in build_files(path, known))
    said = [text for text in (existing, example, built) if text] or [""]
    framework = next((f for text in said if (f := framework_of(language.name, text))), None)
    if framework is None:
        raise ReplyUnusable(
            "No test here says which framework this project uses; write a first test by hand."
        )
    tested = Tested(path, source, function, place.path, existing, example)
    framework.import_line(tested)  # says at once when nothing can import it
    plan = _Plan(tested, place, framework)
    if place.exists:
        await _added("", plan, code)  # and when the file has no place for it
    return plan


async def _example(plan: _Plan, sources: Mapping[str, str], code: Code) -> str:
    """The first short test of the file where the test goes, or of the nearest."""
    path = plan.place.path if plan.place.exists else plan.place.example
    if path is None or path not in sources:
        return ""
    text = Text(sources[path])
    for found in plan.framework.tests_in(text.content):
        first = text.line_idx_at(found) + 1
        lines = text.lines(first, first + MAX_EXAMPLE_LINES - 1)
        indent = len(indent_of(lines[0]))
        ends = (n for n, line in enumerate(lines) if not line.strip() or line[:indent].strip())
        end = next(ends, len(lines))
        if 1 < end < MAX_EXAMPLE_LINES:
            return textwrap.dedent("\n".join(lines[:end]))
    return ""


async def _test_refusal(test: str, plan: _Plan, code: Code) -> Refusal | None:
    """Why the text is no test of the function."""
    name, whole = plan.tested.function.name, plan.framework.alone(test)
    if problems := (await code.outline(plan.place.path, whole)).problems:
        return Refusal("syntax", f"The test does not parse: {problems[0].what}.")
    anatomy = await code.anatomy(plan.place.path, whole)
    if not any(call.name == name for call in anatomy.calls) and not _is_used(plan.tested, test):
        return Refusal("test", f"The test must call {name}.")
    if not plan.framework.compares.search(test):
        return Refusal("test", "The test must compare a result with what is expected.")
    if any(f.name == name for f in anatomy.functions) or re.search(
        rf"\b(?:def|function|func|fn|class)\s+{re.escape(name)}\b", test
    ):
        return Refusal("test", f"The test must not define {name} itself.")
    if words := plan.framework.refused(plan.tested, test):
        return Refusal("test", f"The test must not use {words}.")
    reaching = (_REACHES_OUT, plan.framework.reaches_out)
    for found in (found for pattern in reaching for found in pattern.finditer(test)):
        if found[0] not in plan.tested.source:
            return Refusal("test", f"The test must not use {found[0].strip('( ')}.")
    return None


def _is_used(tested: Tested, test: str) -> bool:
    """Whether the test uses what is called without its name: a property, a constructor, another
    method that the language calls by itself, a component.
    """
    function, name = tested.function, re.escape(tested.function.name)
    owner = re.escape(tested.imported_name)
    above = Text(tested.source).lines(function.top_line, function.start_line)
    head = "\n".join([*above, tested.source[function.head.start : function.head.end]])
    if re.search(r"@(?:\w+\.)*\w*property\b|\bget\s+[\w$]+\s*\(", head):
        return bool(re.search(rf"\.{name}\b", test))
    if re.fullmatch(r"__\w+__", function.name):
        return bool(re.search(rf"(?<![\w.]){owner}\(", test))
    if tested.path.endswith((".jsx", ".tsx")):
        return bool(re.search(rf"<{name}[\s/>]", test))
    return False


async def _added(test: str, plan: _Plan, code: Code) -> list[Edit]:
    """The test in its file, and what it needs there."""
    path, existing = plan.place.path, plan.tested.existing
    outline, anatomy = await code.outline(path, existing), await code.anatomy(path, existing)
    test = plan.framework.renamed(test, existing)
    return [
        Edit(path, Span(at, at), "", text, content_hash(existing), _reason(plan))
        for at, text in plan.framework.insertions(plan.tested, test, outline, anatomy)
    ]


def _reason(plan: _Plan) -> str:
    return f"A test of {plan.tested.function.name}."
