"""Where a repository's own files lie. They are read as data: nothing that they say is run."""

from __future__ import annotations

from pathlib import Path

MAX_PARENTS = 12  # folders looked at above the workspace for a .git


def find_repository(root: Path) -> tuple[Path, Path] | None:
    """(top folder, git folder) of the repository that holds `root`."""
    for top in [root, *root.parents][:MAX_PARENTS]:
        dot_git = top / ".git"
        if dot_git.is_symlink():
            return None
        if dot_git.is_dir():
            return top, dot_git
        if dot_git.is_file():
            folder = _worktree_folder(dot_git)
            return (top, folder) if folder else None
    return None


def _worktree_folder(dot_git: Path) -> Path | None:
    """Where a worktree's or submodule's `.git` file points, if that place is bound to it.

    A worktree's folder points back; a submodule's lies in the .git folder of a folder above. Any
    other place is some other repository, which this workspace has no claim to.
    """
    text = read_small(dot_git)
    if not text.startswith("gitdir:"):
        return None
    folder = (dot_git.parent / text.removeprefix("gitdir:").strip()).resolve()
    back = read_small(folder / "gitdir").strip()
    if back and (folder / back).resolve() == dot_git.resolve():
        return folder
    above = [top / ".git" / "modules" for top in dot_git.parent.resolve().parents]
    return folder if any(modules in folder.parents for modules in above) else None


def common_folder(folder: Path) -> Path:
    """The git folder that a worktree's own shares with the others."""
    common = read_small(folder / "commondir").strip()
    return (folder / common).resolve() if common else folder


def read_small(file: Path, limit: int = 4_096) -> str:
    """The start of a regular file, at most `limit` bytes; "" of anything else."""
    try:
        if file.is_symlink() or not file.is_file():
            return ""
        with file.open("rb") as opened:
            return opened.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""
