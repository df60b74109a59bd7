"""Programs of the machine, found by name: never one that the folder we happen to be in has.

An editor starts the server in the workspace, also in one that is not trusted. There a plain name
is dangerous: Windows looks into the current folder first (as `shutil.which` does, for a git.bat,
too), and PATH may name it with a dot.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def program(name: str, search_path: str | None = None) -> str | None:
    """The absolute path of the first such program on PATH, or None.

    Folders of PATH that are not absolute are passed over. Under Windows only an .exe counts: batch
    files go through a shell, which reads their arguments anew.
    """
    wanted = f"{name}.exe" if sys.platform == "win32" else name
    path = os.environ.get("PATH", "") if search_path is None else search_path
    for folder in path.split(os.pathsep):
        file = Path(folder.strip('"')) / wanted
        if file.is_absolute() and file.is_file() and os.access(file, os.X_OK):
            return str(file)
    return None
