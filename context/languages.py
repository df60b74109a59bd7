"""The table of languages: adding one is a row here, a query file in queries/ and a fixture.

Also says which files are there to test. Names grammar modules as strings and imports none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    name: str
    module: str  # the grammar's wheel, imported on first use
    function: str  # its function that returns the grammar
    extensions: tuple[str, ...]  # lower case, with the dot
    query: str  # file stem in queries/


LANGUAGES = (
    Language("python", "tree_sitter_python", "language", (".py", ".pyi"), "python"),
    Language(
        "javascript",
        "tree_sitter_javascript",
        "language",
        (".js", ".mjs", ".cjs", ".jsx"),
        "javascript",
    ),
    Language(
        "typescript",
        "tree_sitter_typescript",
        "language_typescript",
        (".ts", ".mts", ".cts"),
        "typescript",
    ),
    Language("tsx", "tree_sitter_typescript", "language_tsx", (".tsx",), "typescript"),
    Language("go", "tree_sitter_go", "language", (".go",), "go"),
    Language("java", "tree_sitter_java", "language", (".java",), "java"),
    Language("rust", "tree_sitter_rust", "language", (".rs",), "rust"),
    Language("c", "tree_sitter_c", "language", (".c", ".h"), "c"),
    Language(
        "cpp",
        "tree_sitter_cpp",
        "language",
        (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"),
        "cpp",
    ),
    Language("kotlin", "tree_sitter_kotlin", "language", (".kt", ".kts"), "kotlin"),
    Language("csharp", "tree_sitter_c_sharp", "language", (".cs", ".csx"), "c_sharp"),
    Language(
        "ruby",
        "tree_sitter_ruby",
        "language",
        (".rb", ".rake", ".gemspec", ".ru", ".podspec", ".jbuilder"),
        "ruby",
    ),
    Language("php", "tree_sitter_php", "language_php", (".php", ".phtml", ".php5"), "php"),
    Language("swift", "tree_sitter_swift", "language", (".swift",), "swift"),
    Language("scala", "tree_sitter_scala", "language", (".scala", ".sc", ".sbt"), "scala"),
    Language("lua", "tree_sitter_lua", "language", (".lua", ".rockspec"), "lua"),
    Language("bash", "tree_sitter_bash", "language", (".sh", ".bash", ".bats"), "bash"),
)
_BY_NAME = {language.name: language for language in LANGUAGES}
_BY_EXTENSION = {ext: language for language in LANGUAGES for ext in language.extensions}

TEST_FOLDERS = frozenset(
    [
        "tests",
        "Tests",
        "__tests__",
        "spec",
        "specs",
        "testdata",
        "test-data",
        "fixtures",
        "__mocks__",
        "testfixtures",
        "e2e",
        "unittests",
    ]
)
TOP_TEST_FOLDERS = frozenset(["test", "testing", "testsuite", "fuzz"])
_SOURCE_SETS = re.compile(r"^(test|testFixtures|\w+Test)$")  # src/test, src/commonTest, ...
_PROJECTS = frozenset({"csharp", "swift"})  # their tests are folders of their own
_TEST_PROJECT = re.compile(r"^(\w+\.)+\w*(Tests?|Specs?)$|^[A-Z]\w*[a-z]\w*Tests$")  # Shop.Tests
_TEST_STEM = re.compile(
    r"^(test_.*|.*_(unit)?tests?|conftest|.*[.-](test|spec)|.*Tests?|Test[A-Z].*|.*TestCase|tests?)$"
)
_OF_THE_WEB = frozenset({"javascript", "typescript", "tsx"})  # `test` is no package's name there
_OF_MAVEN = re.compile(r"(^|/)src/main/")  # what is there is no test, whatever its package's name
# Elsewhere a file named so may well be product code: KeySpec.java, CipherSuite.kt, COMMIT.rb.
_TEST_NAMES = {
    **dict.fromkeys(("java", "kotlin"), re.compile(r".+[a-z0-9]IT\.\w+$")),
    **dict.fromkeys(_OF_THE_WEB, re.compile(r".+\.(test-d|cy)\.\w+$|test-.+")),
    "ruby": re.compile(r".+_spec\.rb$"),
    "lua": re.compile(r".+_spec\.lua$"),
    "scala": re.compile(r".+([a-z0-9]IT|Spec|Specs|Suite)\.scala$"),
    "bash": re.compile(r".+\.bats$"),
}


def code_extensions() -> Iterable[str]:
    """Of all files that have a language here, in lower case with their dot."""
    return _BY_EXTENSION.keys()


def language_of(path: str) -> Language | None:
    """The language of a file by its extension; None when we have no grammar for it."""
    name = path.rpartition("/")[2]
    start = name.rfind(".")
    return _BY_EXTENSION.get(name[start:].lower()) if start > 0 else None


_SPOKEN = {"javascript": "JavaScript", "typescript": "TypeScript", "tsx": "TypeScript",
           "cpp": "C++", "csharp": "C#", "php": "PHP"}  # fmt: skip


def spoken_name(path: str) -> str:
    """What people call the language of a file; "this language" where it has no grammar here."""
    language = language_of(path)
    if language is None:
        return "this language"
    return _SPOKEN.get(language.name, language.name.capitalize())


# What only C++ has: a `.h` file may be either.
_CPP_MARKS = re.compile(
    r"^[ \t]*(?:template\s*<|namespace\b[^;]{0,200}\{|class\s+\w[\w\s]{0,200}[:{]|using\s+\w|"
    r"(?:public|private|protected)\s*:)|\bstd::|\bconstexpr\b|\boperator\s*[=<>+*/!-]",
    re.MULTILINE,
)


def dialect(language: Language, content: str) -> Language:
    """The language that `content` is really in: headers named `.h` are C or C++."""
    if language.name == "c" and _CPP_MARKS.search(content):
        return _BY_NAME["cpp"]
    return language


def language_named(name: str) -> Language | None:
    return _BY_NAME.get(name)


def is_test_path(path: str) -> bool:
    """True for a file that is there to test.

    A package that ships test support, such as django/test/, is product code: `test` counts only as
    the top folder or as a source set (src/test).
    """
    *folders, file_name = path.split("/")
    if any(folder in TEST_FOLDERS for folder in folders) and not _OF_MAVEN.search(path):
        return True
    if folders and folders[0] in TOP_TEST_FOLDERS:
        return True
    if any(a == "src" and _SOURCE_SETS.match(b) for a, b in itertools.pairwise(folders)):
        return True
    language = language_of(path)
    if language is None:
        return False
    if language.name in _OF_THE_WEB and "test" in folders:
        return True
    if language.name in _PROJECTS and any(map(_TEST_PROJECT.match, folders)):
        return True
    if (names := _TEST_NAMES.get(language.name)) and names.match(file_name):
        return True
    stem = file_name.rpartition(".")[0] or file_name
    return bool(_TEST_STEM.match(stem))
