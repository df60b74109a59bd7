"""Where the tests of a file are, or would be: by the names and folders that a project has already.

Looks at paths alone. The place of a new test file is never a model's to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from context.languages import TEST_FOLDERS, TOP_TEST_FOLDERS, is_test_path, language_of

_FAMILIES = {
    "python": ("python",),
    "javascript": ("javascript", "typescript", "tsx"),
    "typescript": ("typescript", "tsx", "javascript"),
    "tsx": ("tsx", "typescript", "javascript"),
    "go": ("go",),
    "java": ("java",),
    "rust": ("rust",),
}
# How test files are named, by family; {} is the stem of what they test. The first is the default.
_NAMES = {
    "python": ("test_{}.py", "{}_test.py"),
    "javascript": ("{}.test{ext}", "{}.spec{ext}", "{}-test{ext}", "{}_test{ext}", "test-{}{ext}"),
    "go": ("{}_test.go",),
    "java": ("{}Test.java", "{}Tests.java", "Test{}.java"),
}
_TEST_WORDS = TEST_FOLDERS | TOP_TEST_FOLDERS
# Folders that do not say which part of a project a test or a source file belongs to.
_NEUTRAL = _TEST_WORDS | {"src", "lib", "unit", "integration"}
_JAVA_SOURCES = re.compile(r"^(?P<project>(?:.+/)?)src/main/java/(?P<file>.+)$")
_BUILD_FILES = ("pom.xml", "build.gradle", "build.gradle.kts")


@dataclass(frozen=True, slots=True)
class PlaceOfTest:
    """`path` is where a test goes; `example` an existing test file of the project, or None."""

    path: str
    exists: bool
    example: str | None


def has_place(path: str) -> bool:
    """Whether there is a rule for the tests of this file, which is none itself."""
    language = language_of(path)
    return language is not None and language.name in _FAMILIES and not is_test_path(path)


def place_of_test(path: str, known: Sequence[str]) -> PlaceOfTest | None:
    """Where a test of what `path` defines goes; None in languages without a rule here.

    `known`: all files of the workspace, with /.
    """
    language = language_of(path)
    if language is None or language.name not in _FAMILIES:
        return None
    if language.name == "rust":  # unit tests stand in the file itself
        return None if is_test_path(path) else PlaceOfTest(path, exists=True, example=path)
    family = _FAMILIES[language.name]
    tests = [
        p
        for p in known
        if (found := language_of(p)) and found.name in family and is_test_path(p) and _tests_some(p)
    ]
    tests.sort(key=lambda p: (-_shared(p, path), len(p), p))
    own = [p for p in tests if _tested_stem(p) == _stem(path)]
    if language.name == "java":
        return _java_place(path, own, tests, known)
    own = _tests_of(path, own, known)
    if own:
        return PlaceOfTest(own[0], exists=True, example=own[0])
    new = _new_path(path, tests, known)
    example = tests[0] if tests else None
    return PlaceOfTest(new, exists=False, example=example) if new not in known else None


def build_files(path: str, known: Sequence[str]) -> list[str]:
    """Files in the folders above a Java file that may name what its project is tested with."""
    if not path.endswith(".java"):
        return []
    wanted = [(folder / name).as_posix() for folder in PurePosixPath(path).parents
              for name in _BUILD_FILES]  # fmt: skip
    present = {*known}
    return [file for file in wanted if file in present]


def _java_place(
    path: str, own: Sequence[str], tests: Sequence[str], known: Sequence[str]
) -> PlaceOfTest | None:
    """In the same package, since another may have a class of that name; in the folder that Maven
    and Gradle have for tests. Without such folders a class's own tests must be there already.
    """
    found = _JAVA_SOURCES.match(path)
    if found is None:
        own = [p for p in own if _below_top(p) == _below_top(path) or _folder(p) == _folder(path)]
        return PlaceOfTest(own[0], exists=True, example=own[0]) if own else None
    folder = PurePosixPath(f"{found['project']}src/test/java/{found['file']}").parent
    own = [p for p in own if _folder(p) == folder]
    if own:
        return PlaceOfTest(own[0], exists=True, example=own[0])
    new = (folder / _usual_form(path, tests).replace("{}", _stem(path))).as_posix()
    example = tests[0] if tests else None
    return PlaceOfTest(new, exists=False, example=example) if new not in known else None


def _folder(path: str) -> PurePosixPath:
    return PurePosixPath(path).parent


def _tests_of(path: str, tests: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of the tests of some file with this stem that are of this file, the surest first.

    A test that stands in no folder for tests is of the file beside it, in Go always; another is of
    the file whose folders it has most of, and of none where it mirrors a folder of other files.
    """
    beside = [p for p in tests if _folder(p) == _folder(path)]
    if path.endswith(".go"):
        return beside
    sources = [p for p in known if _stem(p) == _stem(path) and has_place(p)]
    parts = {_parts(p) for p in known if has_place(p)}
    mine = _parts(path)
    found: list[tuple[int, str]] = []
    for test in tests:
        if test in beside or not {*_folder(test).parts} & _TEST_WORDS:
            continue
        theirs = _parts(test)
        fit = _in_order(theirs, mine)
        is_anothers = any(_in_order(theirs, _parts(p)) > fit for p in sources) or (
            fit < len(theirs) and any(p[-len(theirs) :] == theirs for p in parts)
        )
        if not is_anothers:
            found.append((-fit, test))
    return beside + [test for _, test in sorted(found, key=lambda one: one[0])]


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in _folder(path).parts if part not in _NEUTRAL)


def _in_order(a: Sequence[str], b: Sequence[str]) -> int:
    """How many folder names two paths have in common, in the same order."""
    best = [0] * (len(b) + 1)
    for one in a:
        row = [0]
        for at, other in enumerate(b, 1):
            row.append(best[at - 1] + 1 if one == other else max(best[at], row[-1]))
        best = row
    return best[-1]


def _below_top(path: str) -> tuple[str, ...]:
    """The folders of a path without the first: src/a/b and test/a/b are of one package."""
    return _folder(path).parts[1:]


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def _names(path: str) -> tuple[str, ...]:
    language = language_of(path)
    assert language is not None
    kind = "javascript" if language.name in ("typescript", "tsx") else language.name
    return tuple(name.replace("{ext}", PurePosixPath(path).suffix) for name in _NAMES[kind])


def _tested_stem(path: str) -> str | None:
    """What a test file's name says that it tests; None when it follows no rule."""
    name = PurePosixPath(path).name
    for form in _names(path):
        pattern = re.escape(form).replace(r"\{\}", "(.+)")
        if found := re.fullmatch(pattern, name):
            return found[1]
    return None


def _tests_some(path: str) -> bool:
    return _tested_stem(path) is not None


def _shared(a: str, b: str) -> int:
    """Folder names that two paths have in common, anywhere."""
    return len({*PurePosixPath(a).parent.parts} & {*PurePosixPath(b).parent.parts})


def _new_path(path: str, tests: Sequence[str], known: Sequence[str]) -> str:
    form = _usual_form(path, tests)
    name = form.replace("{}", _stem(path))
    folder = PurePosixPath(path).parent
    tests = [p for p in tests if "e2e" not in _folder(p).parts]  # they test no function
    if _is_beside(path, tests, known):
        return (folder / name).as_posix()
    folders = {PurePosixPath(p).parent for p in tests}
    return (_mirrored(folder, folders) / name).as_posix()


def _usual_form(path: str, tests: Sequence[str]) -> str:
    forms = _names(path)
    counts: Counter[str] = Counter()
    for test in tests:
        for form, own in zip(forms, _names(test), strict=True):
            if re.fullmatch(re.escape(own).replace(r"\{\}", "(.+)"), PurePosixPath(test).name):
                counts[form] += 1
                break
    return counts.most_common(1)[0][0] if counts else forms[0]


def _is_beside(path: str, tests: Sequence[str], known: Sequence[str]) -> bool:
    """Whether tests stand beside what they test: as most do here, else as the language has it."""
    if path.endswith(".go"):
        return True
    if not tests:
        return not path.endswith((".py", ".pyi"))
    present = {*known}
    beside = 0
    for test in tests:
        folder = PurePosixPath(test).parent
        stem = _tested_stem(test)
        beside += any(
            (folder / f"{stem}{suffix}").as_posix() in present
            for suffix in {PurePosixPath(test).suffix, PurePosixPath(path).suffix}
        )
    return 2 * beside > len(tests)


def _mirrored(folder: PurePosixPath, folders: set[PurePosixPath]) -> PurePosixPath:
    """Where tests of `folder` go by the `folders` that tests are in: below the nearest folder for
    tests above it, as deep as what is there mirrors `folder`.
    """
    tops = {_top(f) for f in folders}
    tops = {top for top in tops if top.name in _TEST_WORDS} or tops
    above = [top for top in tops if top.parent in (folder, *folder.parents)]
    if not above:
        return _like(min(tops, key=_by_depth), folder) if tops else PurePosixPath("tests")
    top = max(above, key=lambda t: (len(t.parts), t.as_posix()))
    below = folder.relative_to(top.parent).parts
    tails = [below[start:] for start in range(len(below))]
    heads = [below[:end] for end in range(len(below) - 1, 0, -1)]
    for mirrored in (*tails, *heads):
        if (mirror := top.joinpath(*mirrored)) in folders:
            return mirror
    return top if top in folders else min((f for f in folders if _top(f) == top), key=_by_depth)


def _top(folder: PurePosixPath) -> PurePosixPath:
    """The folder for tests that a folder is in: itself where its name and those above say none."""
    for depth, part in enumerate(folder.parts, 1):
        if part in _TEST_WORDS:
            return PurePosixPath(*folder.parts[:depth])
    return folder


def _like(top: PurePosixPath, folder: PurePosixPath) -> PurePosixPath:
    """A folder for tests that stands to `folder` as `top` does to what is tested there."""
    return PurePosixPath(*folder.parts[: len(top.parts) - 1], top.name)


def _by_depth(folder: PurePosixPath) -> tuple[int, str]:
    return len(folder.parts), folder.as_posix()
