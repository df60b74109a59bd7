"""What a walk leaves out: git's ignore files read as data, and folders that hold no one's source.

Reads `.gitignore` files, also those above the workspace in its repository, and `info/exclude`;
starts no git process, follows no setting.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from context.repository import common_folder, find_repository

MAX_IGNORE_BYTES = 100_000
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT

SKIPPED_FOLDERS = frozenset(
    """.git .hg .svn .jj node_modules bower_components __pycache__ .venv venv .tox .nox
    .mypy_cache .pytest_cache .ruff_cache .gradle .idea .vscode .next .nuxt .terraform
    .eggs""".split()
)
# Secrets are not shown to a model nor kept in an index, whatever the ignore files say.
_SECRETS = GitIgnoreSpec.from_lines(
    """.env .env.* *.pem *.key *.p12 *.pfx *.jks *.keystore *.ppk id_rsa id_dsa id_ecdsa
    id_ed25519 id_ecdsa_sk id_ed25519_sk .netrc .npmrc .pypirc .htpasswd *.kdbx credentials.json
    .git-credentials .pgpass .my.cnf kubeconfig *.tfvars secrets.yml secrets.yaml .secrets.*
    !.env.example !.env.sample !.env.template !.env.dist""".split()
)


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """Rules in force in one folder: those of the folders above, then its own."""

    # (folder of the rules from the root, the root from the folder, rules): one of the two is "".
    specs: tuple[tuple[str, str, GitIgnoreSpec], ...] = field(default=())

    @classmethod
    def above(cls, root: Path) -> IgnoreRules:
        """What the repository says above `root`, and of all in it; nothing where it ignores `root`:
        who opened that folder wants to see it.
        """
        found = find_repository(root)
        if found is None:
            return cls()
        top, git_folder = found
        below = root.relative_to(top).parts
        folders = [top.joinpath(*below[:depth]) for depth in range(len(below))]
        files = [(top, common_folder(git_folder) / "info" / "exclude")]
        files += [(folder, folder / ".gitignore") for folder in folders]
        rules = cls()
        for folder, file in files:
            if (spec := _read(file)) is not None:
                to_root = root.relative_to(folder).as_posix()
                own = ("", "" if to_root == "." else f"{to_root}/", spec)
                rules = cls((*rules.specs, own))
        return cls() if any(rules._ignores_root(depth) for depth in range(len(below))) else rules

    def entering(self, folder: Path, prefix: str) -> IgnoreRules:
        """Rules inside `folder`, whose path from the root is `prefix` ("" or "a/b/")."""
        spec = _read(folder / ".gitignore")
        return self if spec is None else IgnoreRules((*self.specs, (prefix, "", spec)))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether git would leave `path` (from the root, with /) out; the last rule that speaks."""
        ignored = False
        for prefix, to_root, spec in self.specs:
            verdict = _verdict(spec, to_root + path[len(prefix) :], is_folder=is_folder)
            if verdict is not None:
                ignored = verdict
        return ignored

    def _ignores_root(self, n_above: int) -> bool:
        """Whether the root, or the folder that stands `n_above` folders above it, is left out."""
        ignored = False
        for _, to_root, spec in self.specs:
            parts = to_root.split("/")[:-1]
            if len(parts) > n_above:
                name = "/".join(parts[: len(parts) - n_above])
                verdict = _verdict(spec, name, is_folder=True)
                ignored = ignored if verdict is None else verdict
        return ignored


def _verdict(spec: GitIgnoreSpec, name: str, *, is_folder: bool) -> bool | None:
    """Whether the last pattern that means this very file or folder leaves it out.

    pathspec judges files with all that is above them: for it, `*` outweighs a later `!*/`, and a
    pattern that means a folder holds for all below it. A walk asks about each folder on its way, as
    git does, so a match that ends at a folder above (the group `ps_d` marks where) does not count,
    nor is a folder itself among what is below it (`a/**`).
    """
    for pattern in reversed(list(spec.patterns)):
        if pattern.include is None or pattern.regex is None:
            continue
        if "ps_d" not in pattern.regex.groupindex:
            if pattern.regex.search(name):
                return pattern.include
            continue
        whole = f"{name}/" if is_folder else name
        if str(pattern.pattern).rstrip().endswith("/**/"):  # the folders below one, not itself
            if is_folder and pattern.regex.search(name):
                return pattern.include
            continue
        for match in pattern.regex.finditer(whole):
            if match.end("ps_d") in (-1, len(whole)):
                return pattern.include
    return None


def is_link(entry: os.DirEntry[str]) -> bool:
    """A symbolic link, or a junction of Windows: for Python that is a folder like any other."""
    return entry.is_symlink() or (
        sys.platform == "win32" and is_junction(entry.stat(follow_symlinks=False))
    )


def is_junction(status: os.stat_result) -> bool:
    """By a folder's own status; never so but on Windows. `os.path.isjunction` comes with 3.12."""
    return getattr(status, "st_reparse_tag", 0) == _JUNCTION


def is_secret(file_name: str) -> bool:
    return _SECRETS.match_file(file_name.casefold())


def _read(file: Path) -> GitIgnoreSpec | None:
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_IGNORE_BYTES:
            return None
        text = file.read_bytes().decode("utf-8-sig", "replace")
    except OSError:
        return None
    lines = [line.rstrip("\r") for line in text.split("\n")]
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:  # one line that is no pattern must not unhide the rest
        return GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
