"""Which places of a workspace an edit may touch, and which only when the user confirms it.

Never: what is outside, what is git's own, what holds secrets. Only with confirmation (faults: D5):
files that some program runs or obeys by itself, because there an edit is not only read, it acts.
Names are compared as the most forgiving file system reads them.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

from context.ignore import is_secret
from models.findings import Refusal
from models.gate.content import CONTROL, INVISIBLE

_SHORT_NAME = re.compile(r"~\d")  # 8.3 names of Windows: GIT~1, VSCODE~1
_DEVICE = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")  # of Windows, in any folder
_GIT_HOOK = re.compile(r"^(pre|post|commit|prepare|applypatch|update|fsmonitor|push|reference)\b")

_EDITOR = "an editor obeys it"
_BUILD_SERVICE = "a build service runs it"
_GIT = "git runs or obeys it"
_BUILD = "building or installing the project runs it"
_TESTS = "it runs by itself when tests or Python start"
_CONTAINER = "a container is made by it"
_SHELL = "a shell runs it"
_ASSISTANT = "coding assistants obey it"
_LOCK = "it names what is installed"

_FOLDERS = {
    **dict.fromkeys(".vscode .idea .zed .nvim .fleet .vs .helix .sublime".split(), _EDITOR),
    **dict.fromkeys(
        ".github .gitlab .circleci .buildkite .woodpecker .gitea .forgejo".split(), _BUILD_SERVICE
    ),
    **dict.fromkeys([".husky", ".githooks"], _GIT),
    **dict.fromkeys([".cargo", ".mvn", ".gradle", ".yarn"], _BUILD),
    ".devcontainer": _CONTAINER,
    **dict.fromkeys([".cursor", ".claude", ".continue", ".windsurf", ".clinerules"], _ASSISTANT),
}
_FILES = tuple(
    (re.compile(rf"^(?:{pattern})$"), reason)
    for pattern, reason in (
        (
            r".*\.code-workspace|\.nvimrc|\.exrc|\.nvim\.lua|\.vimrc|\.dir-locals\.el|\.lvimrc"
            r"|\.emacs|\.sublime-project|.*\.sublime-project",
            _EDITOR,
        ),
        (
            r"\.(?:gitlab-ci|travis|drone|cirrus|appveyor|woodpecker)\.ya?ml|jenkinsfile.*"
            r"|(?:azure-pipelines|appveyor|bitbucket-pipelines|cloudbuild|buildspec).*\.ya?ml",
            _BUILD_SERVICE,
        ),
        (
            r"\.git(?:modules|attributes|config)|\.pre-commit-(?:config|hooks)\.yaml"
            r"|\.?lefthook(?:-local)?\.ya?ml",
            _GIT,
        ),
        (
            r"(?:gnu)?makefile(?:\..*)?|.*\.mk|cmakelists\.txt|.*\.cmake|meson\.build|configure"
            r"|configure\.ac|build(?:\.bazel)?|workspace(?:\.bazel)?|module\.bazel|.*\.bzl"
            r"|.*\.gradle(?:\.kts)?|gradle\.properties|gradlew.*|mvnw.*|pom\.xml|.*\.sbt|build\.rs"
            r"|build\.zig|rakefile|.*\.gemspec|gemfile|podfile|justfile|taskfile\.ya?ml|procfile"
            r"|package\.json|composer\.json|cargo\.toml|pyproject\.toml|setup\.(?:py|cfg)|noxfile\.py"
            r"|tox\.ini|hatch_build\.py|(?:gulp|grunt|jake)file\..*|.*\.config\.[cm]?[jt]s"
            r"|.*\.csproj|.*\.targets|directory\.build\..*|.*\.proj|\.yarnrc.*|\.pnpmfile\..*"
            r"|pip\.conf|requirements.*\.txt|dune-project|mix\.exs|rebar\.config|package\.swift",
            _BUILD,
        ),
        (
            r"conftest\.py|pytest\.ini|sitecustomize\.py|usercustomize\.py|.*\.pth|manage\.py"
            r"|\.mocharc\..*|karma\.conf\..*|\.rspec|spec_helper\.rb|test_helper\.rb",
            _TESTS,
        ),
        (
            r"(?:.*\.)?(?:dockerfile|containerfile)(?:\..*)?|(?:docker-)?compose.*\.ya?ml"
            r"|vagrantfile|.*\.nix",
            _CONTAINER,
        ),
        (
            r"\.envrc|\.(?:bash|zsh|k|c|tc)?(?:rc|shrc|profile|_profile|_login|_logout|_aliases"
            r"|env|shenv|login|logout)|\.bash_\w+|\.z\w+|config\.fish|\.tmux\.conf|\.inputrc",
            _SHELL,
        ),
        (
            r"(?:agents?|claude|gemini|copilot-instructions)\.md|\.(?:cursor|windsurf|cline)rules"
            r"|\.aider.*|\.mcp\.json|.*\.prompt\.md|.*\.instructions\.md",
            _ASSISTANT,
        ),
        (r".*\.lockb?|(?:package-lock|npm-shrinkwrap)\.json|pnpm-lock\.yaml|go\.sum", _LOCK),
    )
)  # fmt: skip


def path_refusal(path: str) -> Refusal | None:
    """Why a workspace-relative path must never be edited; None when it may, perhaps confirmed."""
    sentence = f"{path} is not a place that Postil edits."
    windows = PureWindowsPath(path)
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "\\")) or windows.drive or windows.root:
        return Refusal("path", sentence)
    if CONTROL.search(path) or any(c in path for c in "\t\n\r\f"):
        return Refusal("path", sentence)
    plain = _plain_parts(path)
    for name in plain:
        if not name or name.endswith(".git") or _SHORT_NAME.search(name) or _DEVICE.match(name):
            return Refusal("path", sentence)
    return Refusal("path", sentence) if is_secret(plain[-1]) else None


def confirmation_of(path: str) -> str:
    """Why an edit of `path` must be confirmed, in a clause for a label; "" where it need not be."""
    plain = _plain_parts(path)
    for part in plain[:-1]:
        if reason := _FOLDERS.get(part):
            return reason
    if len(plain) > 1 and plain[-2] == "hooks" and _GIT_HOOK.match(plain[-1]):
        return _GIT
    return next((reason for names, reason in _FILES if names.match(plain[-1])), "")


def _plain_parts(path: str) -> list[str]:
    return [_plain_name(p) for own in PurePosixPath(path).parts for p in own.split("\\")]


def _plain_name(part: str) -> str:
    """A name as the most forgiving file system reads it; empty for "..", "." and the like.

    Case, invisible characters (HFS+), wide forms, a stream (":$DATA") and dots or spaces at the
    end (NTFS) make no difference there.
    """
    folded = unicodedata.normalize("NFKC", INVISIBLE.sub("", part)).casefold()
    return folded.partition(":")[0].rstrip(". ")
