"""A rope project that is nothing but the texts that the index knows.

Nothing of the workspace is obeyed: no `.ropeproject` and no `pyproject.toml` is read for settings,
no module is imported, and a file that is not among the sources does not exist. Other packages and
the standard library do not exist either; what comes from there is unknown, and rope says so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from pathlib import PurePosixPath

from rope.base import exceptions, fscommands
from rope.base.prefs import Prefs
from rope.base.project import Project, _FileListCacher, _Project
from rope.base.resources import File, Folder, Resource, _ResourceMatcher

from context.refactoring import Refused, TextEdit
from context.refactoring.python.trees import Module
from context.refactoring.sources import Sources

MAX_FILES = 5_000  # a guess: rope reads every module that a name leads to
_EOL = re.compile(r"\r\n|\r")


class _Nothing(fscommands.FileSystemCommands):
    """No file is read or written through this."""

    def read(self, path: str) -> bytes:
        raise exceptions.ResourceNotFoundError(path)

    create_file = create_folder = move = remove = write = read


class _Never:
    """Files do not change while a refactoring is worked out."""

    def get_indicator(self, resource: Resource) -> int:
        del resource
        return 0


class KnownFile(File):
    def read(self) -> str:
        """With an end of its last line: rope looks at what follows a word without asking."""
        text = str(self.project.normal_text(self.path))
        return text if text.endswith("\n") else text + "\n"

    def read_bytes(self) -> bytes:
        return self.read().encode("utf-8", "replace")

    def exists(self) -> bool:
        return self.path in self.project.sources.languages


class KnownFolder(Folder):
    def exists(self) -> bool:
        return True

    def get_children(self) -> list[Resource]:
        names = self.project.children.get(self.path, ())
        return [self.project.get_resource(f"{self.path}/{n}".lstrip("/")) for n in sorted(names)]


class TextProject(Project):
    """Offsets are those of the texts with `\\n` at each line end; `edit` leads back."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.paths = [p for p in sources.of_family("python") if p.endswith((".py", ".pyi"))]
        if len(self.paths) > MAX_FILES:
            raise Refused(f"This folder has more than {MAX_FILES} Python files.")
        self.children: dict[str, set[str]] = {"": set()}
        for path in self.paths:
            parts = PurePosixPath(path).parts
            for depth, part in enumerate(parts):
                self.children.setdefault("/".join(parts[:depth]), set()).add(part)
        self._normal: dict[str, str] = {}
        self._modules: dict[str, Module] = {}
        self._ends: dict[str, list[int]] = {}
        # Not `Project.__init__`: that makes the folder where it is not there.
        _Project.__init__(self, _Nothing())
        self._address, self._ropefolder_name = str(sources.root), None
        self.ignored = _ResourceMatcher()
        self.file_list = _FileListCacher(self)
        self._init_prefs({})
        self.pycore.observer.timekeeper = _Never()

    def _init_prefs(self, prefs: object) -> None:
        """Ours alone: the base class reads the workspace's and the user's configuration."""
        del prefs
        self.prefs = Prefs(
            ignored_resources=[],
            source_folders=[],
            python_path=[],
            automatic_soa=False,
            soa_followed_calls=0,
            perform_doa=False,
            save_objectdb=False,
            save_history=False,
            extension_modules=[],
            import_dynload_stdmods=False,
            ignore_syntax_errors=True,
            ignore_bad_imports=True,
        )
        self._init_other_parts()

    def get_python_path_folders(self) -> list[Folder]:
        return []

    def get_source_folders(self) -> list[Folder]:
        """The folders above the outermost packages, the root and `src`."""
        found = {"", "src"} & self.children.keys()
        for path in self.paths:
            folder = path.rpartition("/")[0]
            while folder and "__init__.py" in self.children[folder]:
                folder = folder.rpartition("/")[0]
            found.add(folder)
        return [KnownFolder(self, name) for name in sorted(found)]

    def get_files(self) -> set[File]:
        return {KnownFile(self, path) for path in self.paths}

    def get_resource(self, resource_name: str) -> Resource:
        name = resource_name.strip("/")
        if name in self.children:
            return KnownFolder(self, name)
        if name in self.sources.languages and name.endswith((".py", ".pyi")):
            return KnownFile(self, name)
        raise exceptions.ResourceNotFoundError(f"{name} is not known")

    def get_file(self, path: str) -> File:
        return KnownFile(self, path.strip("/"))

    def get_folder(self, path: str) -> Folder:
        return KnownFolder(self, path.strip("/"))

    def normal_text(self, path: str) -> str:
        if path not in self._normal:
            text = self.sources.text(path)
            ends = [m.start() for m in _EOL.finditer(text) if len(m.group()) == 2]
            self._ends[path] = [end - number for number, end in enumerate(ends)]
            self._normal[path] = _EOL.sub("\n", text)
        return self._normal[path]

    def module(self, path: str) -> Module:
        """A file as a tree, parsed when it is asked for and kept. Raises `Refused`."""
        if path not in self._modules:
            self._modules[path] = Module(path, self.normal_text(path))
        return self._modules[path]

    def normal_offset(self, path: str, offset: int) -> int:
        before = self.sources.text(path)[:offset]
        return len(before) - before.count("\r\n")

    def edit(self, path: str, start: int, end: int, new_text: str) -> TextEdit:
        """An edit of the text itself; its new lines end as the text's do."""
        text = self.normal_text(path)
        del text
        ends = self._ends[path]
        own = self.sources.text(path)
        first, last = start + bisect_left(ends, start), end + bisect_left(ends, end)
        if "\n" in new_text and (found := re.search(r"\r\n|\n|\r", own)):
            new_text = new_text.replace("\n", found.group())
        return self.sources.edit(path, first, last, new_text)
