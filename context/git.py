"""The history of a workspace, read through a shadow git folder; the only user of GitPython.

A repository's own `.git/config` can name programs for git to run (fsmonitor, hooks, filters), and
code carried in by archive or stick brings one along. So git is never run on the repository: it runs
on a folder of ours with our own two-line configuration and the repository's objects as an
alternate. HEAD and refs are read as data. Anything odd means no history, never an error; only where
there is one and git could not read it now, `HistoryUnreadable` says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from context.errors import HistoryUnreadable
from context.history import CommitRow
from context.languages import (
    TEST_FOLDERS,
    TOP_TEST_FOLDERS,
    code_extensions,
    is_test_path,
    language_of,
)
from context.programs import program
from context.repository import common_folder, find_repository, read_small
from context.secrets import blank_secrets

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # or the import fails where git is missing
from git.cmd import Git
from git.exc import CommandError

logger = logging.getLogger(__name__)

MAX_COMMITS = 2_000  # the benchmark's finding: 1,000 to 2,000 are enough
MAX_MESSAGE = 4_000  # code points kept of a commit message
MAX_PATHS = 60  # a commit that touches more says little about any one of them
TIMEOUT_S = 60.0
MAX_CHANGE = 200_000  # bytes of changed lines read of one commit
MAX_MISSING = 40  # commits with missing objects that are stepped over
MAX_EXPORTED = 4_000_000  # bytes of a file; a larger one is not indexed either

_HEX = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_ODD_NAMES = frozenset({"", ".", "..", ".git"})
_PLAIN_DIFF = (
    "-r", "-p", "--unified=0", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
    "--always", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",  # a promisor remote could name a command
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "LC_ALL": "C.UTF-8",
}
# What a tree's own .gitattributes ask for on the way out: files left out, other bytes, programs.
_ATTRIBUTES = "* -export-ignore -export-subst -text -eol -ident -working-tree-encoding -filter\n"
_CONFIG = "[core]\n\trepositoryformatversion = {version}\n\tbare = true\n\tquotePath = false\n"


@dataclass(frozen=True, slots=True)
class Read:
    """Commits, newest first, as they were at `head`; None where there is no history."""

    head: str | None
    commits: list[CommitRow]


@dataclass(frozen=True, slots=True)
class Fix:
    """What a commit changed, as it stood before: line numbers are 1-based and inclusive."""

    parent: str
    old_lines: Mapping[str, tuple[tuple[int, int], ...]]


def read_history(
    root: Path,
    shadow: Path,
    *,
    known: str | None,
    limit: int = MAX_COMMITS,
    at: str | None = None,
) -> Read | None:
    """Newest first, without merges, paths relative to `root`, from the commit `at` or from HEAD.

    None when that commit is still `known`: nothing to read. No commits where there is no history.
    `shadow` is a folder of ours; processes may share it. Raises `HistoryUnreadable`.
    """
    found = find_repository(root)
    head = (at or _head_commit(found[1])) if found else None
    if found is None or head is None or not _HEX.match(head):
        return Read(None, [])
    if head == known:
        return None
    top, folder = found
    git = program("git")
    if git is None:
        raise HistoryUnreadable(f"There is no git to read the history of {top.name} with.")
    prefix = _prefix(root, top)
    try:
        _make_shadow(shadow, common_folder(folder), head)
        log = _log(git, shadow, head, limit, prefix)
    except (OSError, CommandError) as error:
        raise _unreadable(top, error) from error
    return Read(head, list(_commits(log, prefix)))


def read_fix(root: Path, shadow: Path, commit: str) -> Fix | None:
    """What one commit changed, on the side before it; None for a first commit or a merge.

    `shadow` is the folder that `read_history` made for `root`.
    """
    found, git = find_repository(root), program("git")
    if found is None or git is None or not _HEX.match(commit):
        return None
    prefix = _prefix(root, found[0])
    try:
        parents = _run(git, shadow, ["rev-list", "--parents", "-n", "1", commit]).split()[1:]
        if len(parents) != 1:
            return None
        patch = _run(git, shadow, ["diff-tree", *_PLAIN_DIFF, parents[0].decode(), commit])
    except (OSError, CommandError) as error:
        logger.info("no fix: %s", type(error).__name__)
        return None
    return Fix(parents[0].decode(), _old_lines(patch, prefix))


def export_tree(root: Path, shadow: Path, commit: str, folder: Path) -> None:
    """Write the files of a commit below `root` into the new folder `folder`.

    Regular files only, none that is too large to be indexed, and none whose name leads elsewhere;
    nothing of what git can be told to do on a checkout happens. Raises OSError when it fails.
    """
    found, git = find_repository(root), program("git")
    if found is None or git is None or not _HEX.match(commit):
        raise OSError(f"{root} has no history that can be read")
    prefix = _prefix(root, found[0])
    command = [git, f"--git-dir={shadow}", "archive", "--format=tar"]
    tree = f"{commit}:{prefix}" if prefix else commit
    folder.mkdir(parents=True)
    try:
        process = Git(str(shadow)).execute([*command, tree], env=_ENVIRONMENT, as_process=True)
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                _write_member(archive, member, folder)
        process.wait()
    except (CommandError, tarfile.TarError) as error:
        raise OSError(f"git could not read the commit {commit[:10]}") from error


def _write_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    parts = member.name.split("/")
    is_odd = any(
        p in ("", ".", "..") or p.lower() == ".git" or "\\" in p or ":" in p for p in parts
    )
    if not member.isfile() or is_odd or member.size > MAX_EXPORTED:
        return
    source = archive.extractfile(member)
    if source is None:
        return
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as out:
        shutil.copyfileobj(source, out)


def read_tree(root: Path, shadow: Path, since: str | None = None) -> dict[str, str] | None:
    """Blob ids of the regular files below `root`, by path: of HEAD, or of the newest commit that
    HEAD shares with `since`, a branch, tag or commit that the user named.

    None without such a history. `shadow` is a folder of ours; processes may share it.
    """
    found, git = find_repository(root), program("git")
    head = _head_commit(found[1]) if found else None
    if found is None or git is None or head is None or not _HEX.match(head):
        return None
    prefix = _prefix(root, found[0])
    try:
        _make_shadow(shadow, common_folder(found[1]), head)
        commit = _shared(git, shadow, found[1], head, since) if since else head
        listed = _run(git, shadow, ["ls-tree", "-r", "-z", "--full-tree", commit])
    except (OSError, CommandError) as error:
        logger.info("no such tree: %s", type(error).__name__)
        return None
    blobs: dict[str, str] = {}
    for row in listed.decode("utf-8", "replace").split("\0"):
        kind, _, path = row.partition("\t")
        mode, _, rest = kind.partition(" ")
        if mode in ("100644", "100755") and path.startswith(prefix):
            blobs[path.removeprefix(prefix)] = rest.rpartition(" ")[2]
    return blobs


def _shared(git: str, shadow: Path, folder: Path, head: str, since: str) -> str:
    """The newest commit of both histories. Raises `CommandError` where there is none."""
    name = re.split(r"[~^@]", since, maxsplit=1)[0]
    start = _ref_commit(folder, name) or name
    revision = f"{start}{since.removeprefix(name)}^{{commit}}"
    verified = _run(git, shadow, ["rev-parse", "--verify", "--end-of-options", revision])
    other = verified.decode("ascii", "replace").strip()
    return _run(git, shadow, ["merge-base", other, head]).decode("ascii", "replace").strip()


def read_blobs(shadow: Path, ids: Sequence[str]) -> dict[str, bytes]:
    """Contents by blob id, of those that are there and not too large to be indexed."""
    git = program("git") or ""
    found: dict[str, bytes] = {}
    for blob in filter(_HEX.match, ids if git else ()):
        try:
            if int(_run(git, shadow, ["cat-file", "-s", blob])) <= MAX_EXPORTED:
                found[blob] = _run(git, shadow, ["cat-file", "blob", blob])
        except (OSError, ValueError, CommandError) as error:
            logger.info("a blob is missing: %s", type(error).__name__)
    return found


def blob_id(content: bytes, like: str) -> str:
    """The id that git gives to a file's content, in the kind of hash that `like` is."""
    hashed = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    hashed.update(b"blob %d\0" % len(content) + content)
    return hashed.hexdigest()


def _old_lines(patch: bytes, prefix: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """(first, last) changed lines before the change, by path; files that were not there are out."""
    found: dict[str, list[tuple[int, int]]] = {}
    path: str | None = None
    in_head = False
    for line in patch.decode("utf-8", "replace").split("\n"):
        if line.startswith("diff --git "):
            path, in_head = None, True
        elif in_head and line.startswith("--- a/"):
            written = line.removeprefix("--- a/").rstrip("\t\r")
            path = written.removeprefix(prefix) if written.startswith(prefix) else None
        elif hunk := _HUNK.match(line):
            in_head = False
            first, count = int(hunk.group(1)), int(hunk.group(2) or "1")
            if path is not None:
                found.setdefault(path, []).append((first, first + max(count, 1) - 1))
    return {p: tuple(spans) for p, spans in found.items()}


def read_changes(shadow: Path, commits: Sequence[CommitRow]) -> dict[str, str]:
    """The changed lines of code, tests left out, of commits that `read_history` returned, by id.

    Git stops at the first commit whose objects are missing (a partial clone): it is asked again for
    those after it, a few times. `shadow` is the folder that `read_history` made. Raises
    `HistoryUnreadable`.
    """
    git = program("git")
    if git is None or not shadow.is_dir():
        raise HistoryUnreadable("There is no git to read past changes with.")
    wanted = [c.id for c in commits if _HEX.match(c.id)]
    patterns = list(_code_alone(commits))
    found: dict[str, str] = {}
    for _ in range(MAX_MISSING):
        try:
            found |= _diff_trees(git, shadow, wanted, patterns)
        except (OSError, CommandError) as error:
            raise _unreadable(shadow, error) from error
        seen = max((i for i, c in enumerate(wanted) if c in found), default=-1)
        # Nothing for the first: it is the one that is missing.
        wanted = wanted[max(seen, 0) + 1 :]
        if not wanted:
            break
    return found


def _diff_trees(
    git: str, shadow: Path, commits: Sequence[str], patterns: Sequence[str]
) -> dict[str, str]:
    command = [git, f"--git-dir={shadow}", "diff-tree", "--stdin", "--root", *_PLAIN_DIFF,
               "--", *patterns]  # fmt: skip
    with tempfile.TemporaryFile() as asked:
        asked.write("".join(f"{c}\n" for c in commits).encode())
        asked.seek(0)
        process = Git(str(shadow)).execute(
            command, env=_ENVIRONMENT, istream=asked, as_process=True
        )
        found = _changed_lines(iter(process.stdout.readline, b""))
        with contextlib.suppress(CommandError):
            process.wait()
    return found


def _code_alone(commits: Sequence[CommitRow]) -> Iterator[str]:
    """Have git leave out most of what `_changed_lines` would: two thirds of django's changes.

    Only kinds of files that these commits touch are named: git looks at each pattern for each path,
    and all that we know took as long as the diffs themselves.
    """
    names = (path.rpartition("/")[2] for commit in commits for path in commit.paths)
    touched = {name[name.rfind(".") :].lower() for name in names if "." in name}
    yield from (f":(icase)*{extension}" for extension in sorted(touched & {*code_extensions()}))
    yield from (f":(exclude,glob)**/{folder}/**" for folder in sorted(TEST_FOLDERS))
    yield from (f":(exclude,glob){folder}/**" for folder in sorted(TOP_TEST_FOLDERS))


def _changed_lines(output: Iterator[bytes]) -> dict[str, str]:
    """Lines of `git diff-tree -p --stdin`: ids alone on a line, then the patch of each."""
    found: dict[str, list[bytes]] = {}
    kept: list[bytes] = []
    size = 0
    is_code = in_head = False
    for line in output:
        if line[:1] in b"+-" and not in_head:
            if is_code and size < MAX_CHANGE:
                size += len(line)
                kept.append(line[1:])
        elif line.startswith(b"diff --git "):
            path = line.rpartition(b" b/")[2].strip().decode("utf-8", "replace")
            is_code = language_of(path) is not None and not is_test_path(path)
            in_head = True
        elif line.startswith(b"@@"):
            in_head = False
        elif _HEX.match(line.strip().decode("ascii", "replace")):
            kept = found.setdefault(line.strip().decode(), [])
            size = 0
    return {commit: b"".join(lines).decode("utf-8", "replace") for commit, lines in found.items()}


def _head_commit(folder: Path) -> str | None:
    return _followed(folder, read_small(folder / "HEAD").strip())


def _ref_commit(folder: Path, name: str) -> str | None:
    """What a tag or a branch of this name leads to, in git's order; the shadow has neither."""
    if not re.fullmatch(r"\w[\w./+-]*", name) or name == "HEAD":
        return None
    kinds = ("refs/tags", "refs/heads", "refs/remotes")
    found = (_followed(folder, f"ref: {kind}/{name}") for kind in kinds)
    return next(filter(None, found), None)


def _followed(folder: Path, value: str) -> str | None:
    """Through loose and packed refs to a commit; a few steps at most."""
    common = common_folder(folder)
    for _ in range(5):
        if _HEX.match(value):
            return value
        name = value.removeprefix("ref:").strip()
        if not value.startswith("ref:") or ".." in name or not name.startswith("refs/"):
            return None
        value = next(
            (text for base in (folder, common) if (text := read_small(base / name).strip())),
            "",
        ) or _packed_ref(common, name)
    return None


def _packed_ref(common: Path, name: str) -> str:
    for line in read_small(common / "packed-refs", 4_000_000).split("\n"):
        commit, _, ref = line.strip().partition(" ")
        if ref == name:
            return commit
    return ""


def _make_shadow(shadow: Path, common: Path, head: str) -> None:
    """Another process may be reading from it: each file is replaced whole, where it differs."""
    for name in ("objects/info", "refs", "info"):
        (shadow / name).mkdir(parents=True, mode=0o700, exist_ok=True)
    version = 1 if len(head) == 64 else 0
    config = _CONFIG.format(version=version)
    if version:
        config += "[extensions]\n\tobjectFormat = sha256\n"
    _write_whole(shadow / "config", config)
    _write_whole(shadow / "HEAD", head + "\n")
    _write_whole(shadow / "info" / "attributes", _ATTRIBUTES)
    objects = common / "objects"
    if "\n" in str(objects):
        raise OSError("a line break in the repository's path")
    _write_whole(shadow / "objects" / "info" / "alternates", f"{objects}\n")
    boundary = list(read_small(common / "shallow", 1_000_000).split("\n"))
    if kept := [line for line in boundary if _HEX.match(line)]:
        _write_whole(shadow / "shallow", "\n".join(kept) + "\n")
    else:
        (shadow / "shallow").unlink(missing_ok=True)


def _write_whole(file: Path, text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    with contextlib.suppress(OSError):
        if file.read_bytes() == content:
            return
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as new:
        new.write(content)
    os.replace(new.name, file)


def _unreadable(folder: Path, error: Exception) -> HistoryUnreadable:
    kind = type(error).__name__
    return HistoryUnreadable(f"Git could not read the history of {folder.name} ({kind}).")


def _prefix(root: Path, top: Path) -> str:
    """Of the repository's paths that lie below `root`."""
    below = root.relative_to(top).as_posix()
    return "" if below == "." else f"{below}/"


def _run(git: str, shadow: Path, arguments: Sequence[str]) -> bytes:
    output = Git(str(shadow)).execute(
        [git, f"--git-dir={shadow}", *arguments],
        env=_ENVIRONMENT,
        kill_after_timeout=None if os.name == "nt" else TIMEOUT_S,
        stdout_as_string=False,
        strip_newline_in_stdout=False,
    )
    assert isinstance(output, bytes)
    return output


def _log(git: str, shadow: Path, head: str, limit: int, prefix: str) -> str:
    places = [f":(literal){prefix}"] if prefix else []
    arguments = [
        "--no-pager", "log", f"--max-count={limit}", "--no-merges", "--no-renames",
        "--no-show-signature", "--no-ext-diff", "--no-textconv", "--name-only",
        "--format=%x01%H%x02%ct%x02%B%x03", head, "--", *places,
    ]  # fmt: skip
    return _run(git, shadow, arguments).decode("utf-8", "replace")


def _commits(log: str, prefix: str) -> Iterator[CommitRow]:
    for record in log.split("\x01")[1:]:
        head, _, rest = record.partition("\x03")
        commit, _, stamped = head.partition("\x02")
        time_s, _, message = stamped.partition("\x02")
        paths = [p for p in rest.strip().split("\n") if p.startswith(prefix) and p]
        if not paths or len(paths) > MAX_PATHS or not time_s.isdigit():
            continue
        inside = tuple(p[len(prefix) :] for p in paths)
        yield CommitRow(commit, int(time_s), blank_secrets(message.strip()[:MAX_MESSAGE]), inside)


def git_version() -> str:
    """What `git --version` says; "" where there is no git that runs."""
    git = program("git")
    if git is None:
        return ""
    try:
        said: str = Git(None).execute([git, "--version"], env=_ENVIRONMENT)
    except (CommandError, OSError):
        return ""
    return said.removeprefix("git version ").strip()
