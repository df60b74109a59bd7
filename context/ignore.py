"""What a walk leaves out: git's ignore files read as data, and folders that hold no one's source.

Reads `.gitignore` files and `.git/info/exclude`; starts no git process, follows no setting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

MAX_IGNORE_BYTES = 100_000

SKIPPED_FOLDERS = frozenset(
    """.git .hg .svn .jj node_modules bower_components __pycache__ .venv venv .tox .nox
    .mypy_cache .pytest_cache .ruff_cache .gradle .idea .vscode .next .nuxt .terraform
    .eggs""".split()
)
# Secrets are not shown to a model nor kept in an index, whatever the ignore files say.
_SECRETS = GitIgnoreSpec.from_lines(
    """.env .env.* *.pem *.key *.p12 *.pfx *.jks *.keystore id_rsa id_dsa id_ecdsa
    id_ed25519 .netrc .npmrc .pypirc .htpasswd *.kdbx credentials.json""".split()
)


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """Rules in force in one folder: those of the folders above, then its own."""

    specs: tuple[tuple[str, GitIgnoreSpec], ...] = field(default=())  # (folder prefix, rules)

    def entering(self, folder: Path, prefix: str) -> IgnoreRules:
        """Rules inside `folder`, whose path from the root is `prefix` ("" or "a/b/")."""
        files = [folder / ".gitignore"]
        if not prefix:
            files.insert(0, folder / ".git" / "info" / "exclude")
        own = tuple((prefix, spec) for file in files if (spec := _read(file)) is not None)
        return IgnoreRules(self.specs + own) if own else self

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether git would leave `path` (from the root, with /) out; the last rule that speaks."""
        ignored = False
        for prefix, spec in self.specs:
            name = path[len(prefix) :]
            verdict = (
                _folder_verdict(spec, f"{name}/") if is_folder else spec.check_file(name).include
            )
            if verdict is not None:
                ignored = verdict
        return ignored


def _folder_verdict(spec: GitIgnoreSpec, name: str) -> bool | None:
    """Whether the last pattern that means this very folder leaves it out.

    pathspec judges files: for it, `*` outweighs a later `!*/`, and a pattern that means a folder
    holds for all below it. A walk asks about each folder on its way, as git does, so a match that
    ends at a folder above (the group `ps_d` marks where) does not count.
    """
    for pattern in reversed(list(spec.patterns)):
        if pattern.include is None or pattern.regex is None:
            continue
        for match in pattern.regex.finditer(name):
            end = match.groupdict().get("ps_d") and match.end("ps_d")
            if not end or end == len(name):
                return pattern.include
    return None


def is_secret(file_name: str) -> bool:
    return _SECRETS.match_file(file_name)


def _read(file: Path) -> GitIgnoreSpec | None:
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_IGNORE_BYTES:
            return None
        text = file.read_bytes().decode("utf-8", "replace")
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
