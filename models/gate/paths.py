"""Which places of a workspace an edit may touch, and which only when the user confirms it.

Never: what is outside, what belongs to git or its like, what holds secrets. Only with confirmation
(faults: D5): files that some program runs or obeys by itself, because there an edit is not only
read, it acts.
Names are compared as the most forgiving file system reads them.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

from context.ignore import is_secret
from models.findings import Refusal
from models.gate.content import CONTROL, INVISIBLE

_SHORT_NAME = re.compile(r"~\d")  # 8.3 names of Windows: GIT~1, VSCODE~1
_DEVICE = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")  # of Windows, in any folder
_GIT_HOOK = re.compile(r"^(pre|post|commit|prepare|applypatch|update|fsmonitor|push|reference)\b")

N_JUDGED = 4  # of the last names of a whole path: a workspace may be a folder that acts by itself

_HOOK_SUFFIXES = ("", ".sh", ".bash", ".py", ".rb", ".pl", ".sample")
_IN_A_FOLDER = {("docs", "conf.py"), ("doc", "conf.py"), ("requirements", "dev.txt"),
                ("requirements", "base.txt"), ("requirements", "test.txt")}  # fmt: skip
_HISTORY = frozenset(".hg .jj .sl .svn .bzr".split())  # like .git: what is inside runs commands

_EDITOR = "an editor obeys it"
_BUILD_SERVICE = "a build service runs it"
_GIT = "git runs or obeys it"
_BUILD = "building or installing the project runs it"
_TESTS = "it runs by itself when tests or Python start"
_CONTAINER = "a container is made by it"
_SHELL = "a shell runs it"
_TOOL = "a tool of the project runs or obeys it"
_ASSISTANT = "coding assistants obey it"
_LOCK = "it names what is installed"

# Names are in lower case: that is how they are compared.
_FOLDERS = {
    name: reason
    for reason, names in (
        (_EDITOR, ".vscode .idea .run .zed .nvim .vim .fleet .vs .helix .sublime .theia"),
        (
            _BUILD_SERVICE,
            ".github .gitlab .gitlab-ci .circleci .buildkite .woodpecker .gitea .forgejo"
            " .azure-pipelines .teamcity .semaphore .tekton .builds",
        ),
        (_GIT, ".husky .githooks .git-hooks .git_hooks .lefthook githooks git-hooks"),
        (_BUILD, ".cargo .mvn .gradle .yarn buildsrc"),
        (_TOOL, ".storybook"),
        (_CONTAINER, ".devcontainer"),
        (_SHELL, ".mise"),
        (
            _ASSISTANT,
            ".cursor .claude .continue .windsurf .clinerules .cline .roo .kilocode .gemini .codex"
            " .kiro .amazonq .junie .trae .augment .opencode .qwen .aiassistant .agents .openhands",
        ),
    )
    for name in names.split()
}
_SCRIPT = ("js", "cjs", "mjs", "ts", "cts", "mts", "jsx", "tsx")
_FILES = tuple(
    (re.compile("|".join(map(fnmatch.translate, names.split()))), reason)
    for reason, names in (  # the first that fits gives the reason
        (
            _EDITOR,
            """*.code-workspace *.sublime-project *.run.xml .vimrc .nvimrc .exrc .lvimrc .nvim.lua
            .emacs .dir-locals.el .dir-locals-2.el .vimspector.json .ycm_extra_conf.py .gdbinit
            .lldbinit .gitpod.y*ml""",
        ),
        (
            _BUILD_SERVICE,
            """.gitlab-ci.y*ml .travis.y*ml .drone.y*ml .cirrus.y*ml .appveyor.y*ml
            .woodpecker.y*ml jenkinsfile* azure-pipelines*.y*ml appveyor*.y*ml
            bitbucket-pipelines*.y*ml cloudbuild*.y*ml buildspec*.y*ml action.y*ml
            .readthedocs.y*ml readthedocs.y*ml .goreleaser.y*ml netlify.toml""",
        ),
        (
            _GIT,
            """.gitmodules .gitattributes .gitconfig .pre-commit-config.yaml .pre-commit-hooks.yaml
            lefthook.* lefthook-local.* .lefthook.* .lefthook-local.* .overcommit.y*ml
            .simple-git-hooks.*""",
        ),
        (  # make and its like
            _BUILD,
            """makefile makefile.* gnumakefile gnumakefile.* *.mk cmakelists.txt *.cmake
            cmakepresets.json cmakeuserpresets.json meson.build configure configure.ac sconstruct
            sconscript wscript justfile .justfile taskfile*.y*ml procfile procfile.* build.ninja
            devbox.json""",
        ),
        (
            _BUILD,
            """build build.bazel workspace workspace.bazel module.bazel *.bzl .bazelrc *.bazelrc
            .bazelversion""",
        ),
        (  # Java, Scala
            _BUILD,
            """*.gradle *.gradle.kts gradle.properties gradle-wrapper.properties gradlew* mvnw*
            pom.xml build.xml *.sbt build.sc build.mill *.versions.toml""",
        ),
        (  # Rust, Zig, Go, Swift, OCaml, Elixir, Erlang
            _BUILD,
            """cargo.toml build.rs rust-toolchain rust-toolchain.toml build.zig build.zig.zon
            package.swift dune-project mix.exs rebar.config rebar.config.script go.work trunk.toml
            nextest.toml""",
        ),
        (  # Ruby, PHP
            _BUILD,
            "rakefile *.rake extconf.rb guardfile *.gemspec gemfile podfile fastfile appfile"
            " dangerfile composer.json",
        ),
        (  # JavaScript
            _BUILD,
            """package.json gulpfile.* gruntfile.* jakefile.* *.gyp *.gypi .yarnrc* .pnpmfile.*
            .pnp.* pnpm-workspace.yaml bunfig.toml deno.json deno.jsonc"""
            + "".join(f" *.config.{end} *.config.*.{end}" for end in _SCRIPT),
        ),
        (  # Python
            _BUILD,
            """pyproject.toml setup.py setup.cfg noxfile.py tox.ini hatch_build.py pip.conf
            tox.toml pdm_build.py pipfile requirements*.txt *-requirements.txt constraints*.txt
            conanfile.py""",
        ),
        (_BUILD, "*.*proj *.*proj.user *.props *.targets directory.build.* nuget.config"),
        (
            _TESTS,
            """conftest.py pytest.ini .pytest.ini pytest.toml .pytest.toml
            sitecustomize.py usercustomize.py *.pth manage.py .mocharc.*
            karma.conf.* .rspec spec_helper.rb test_helper.rb""",
        ),
        (
            _CONTAINER,
            """dockerfile dockerfile.* *.dockerfile *.dockerfile.* containerfile containerfile.*
            *.containerfile *.containerfile.* compose*.y*ml docker-compose*.y*ml
            .devcontainer.json vagrantfile tiltfile *.nix""",
        ),
        (
            _SHELL,
            """.envrc .bash* .z* .ksh* .csh* .tcsh* .rc .shrc .profile .login .logout config.fish
            .tmux.conf .inputrc .mise.toml .mise.*.toml mise.toml mise.*.toml .tool-versions""",
        ),
        (  # of linters and other tools: they name plugins and commands, or are scripts themselves
            _TOOL,
            ".*rc .*rc.json .*rc.json5 .*rc.jsonc .*rc.y*ml .*rc.toml mypy.ini .mypy.ini .flake8"
            " pylintrc .rubocop.y*ml .eleventy.js nodemon.json .release-it.* .markdownlint-cli2.*"
            + "".join(f" .*rc.{end}" for end in _SCRIPT),
        ),
        (
            _ASSISTANT,
            """agent.md agents.md claude.md gemini.md copilot-instructions.md .cursorrules
            .windsurfrules .clinerules .roorules .roomodes .aider* .mcp.json mcp.json *.prompt.md
            *.instructions.md claude.local.md agents.override.md opencode.json crush.json
            .goosehints .rules""",
        ),
        (
            _LOCK,
            "*.lock *.lockb package-lock.json npm-shrinkwrap.json pnpm-lock.yaml go.mod go.sum",
        ),
    )
)


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
        if not name or name.endswith(".git") or name in _HISTORY:
            return Refusal("path", sentence)
        if _SHORT_NAME.search(name) or _DEVICE.match(name):
            return Refusal("path", sentence)
    return Refusal("path", sentence) if is_secret(plain[-1]) else None


def place_refusal(root: Path, path: str) -> str:
    """Why a path below `root` must never be edited, also for where links lead; "" when it may.

    Looks where links lead, and at the folders around `root`: one of a hostile workspace's folders
    may itself be git's own.
    """
    if refusal := path_refusal(path):
        return refusal.sentence
    real_root, real = root.resolve(), (root / path).resolve()
    if not real.is_relative_to(real_root):
        return f"{path} leads out of the workspace."
    refusal = path_refusal(real.relative_to(real_root).as_posix())
    if refusal is None and {*_plain_parts(real_root.as_posix())} & {".git", *_HISTORY}:
        refusal = Refusal("path", f"{path} is not a place that Postil edits.")
    return refusal.sentence if refusal else ""


def place_confirmation(root: Path, path: str) -> str:
    """`confirmation_of` a path below `root`, and of where links lead; "" where it need not be."""
    real = (root / path).resolve()
    return confirmation_of(path) or confirmation_of("/".join(real.parts[-N_JUDGED:]))


def confirmation_of(path: str) -> str:
    """Why an edit of `path` must be confirmed, in a clause for a label; "" where it need not be."""
    plain = _plain_parts(path)
    for part in plain[:-1]:
        if reason := _FOLDERS.get(part):
            return reason
    is_hook = len(plain) > 1 and plain[-2] == "hooks" and _GIT_HOOK.match(plain[-1])
    if is_hook and PurePosixPath(plain[-1]).suffix in _HOOK_SUFFIXES:
        return _GIT
    if len(plain) > 1 and (plain[-2], plain[-1]) in _IN_A_FOLDER:
        return _BUILD
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
