"""What commands take: one model a shape, read in one place, refused in one sentence.

Lines are 1-based and inclusive; a `line` with a `character` is a position as the protocol has it,
0-based and in the client's encoding.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lsp.errors import INVALID_PARAMS, Failure
from models.tasks.edit import EditKind

MAX_NAMED = 3  # wrong fields in one sentence
Line = Annotated[int, Field(ge=1, le=10_000_000)]


class Argument(BaseModel):
    """Unknown fields are left out: a newer plugin may send more than this server knows."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Nothing(Argument):
    """For commands that take no argument."""


class Report(Argument):
    """A bug report; `detail` is another name for it, as a code action sends it."""

    report: str = ""
    detail: str = ""
    uri: str = ""


class Target(Argument):
    """Lines that a job works on. `version` is refused when the document moved on."""

    uri: str
    version: int | None = None
    first_line: Line = 1
    last_line: Line = 1
    edit: EditKind | None = None
    detail: str = ""


class Lines(Argument):
    """Lines, and the name of what becomes of them where the user gives one."""

    uri: str
    version: int | None = None
    first_line: Line
    last_line: Line
    name: str = ""


class Position(Argument):
    """A position as the protocol has it: 0-based, in the client's encoding."""

    uri: str
    version: int | None = None
    line: Annotated[int, Field(ge=0, le=10_000_000)]
    character: Annotated[int, Field(ge=0, le=10_000_000)]


class NewName(Position):
    """Without a name the model proposes one."""

    new_name: str = ""


class Signature(Position):
    """What changes: add name=value, remove name, reorder a, b, or plain words."""

    detail: str = ""


class Place(Argument):
    """A file or a folder; nothing for the first workspace folder."""

    uri: str = ""


class NoteAt(Argument):
    """A remark of ours: by its `id`, by a place, or, with neither, the newest."""

    id: str = ""
    uri: str = ""
    line: Line = 1
    show: bool = False  # open it in the editor, where that can be asked for


A = TypeVar("A", bound=BaseModel)


def read_argument(model: type[A], given: Any, command: str) -> A:
    """`given` as `model`. Raises `Failure` with the fields that are wrong and what they take."""
    try:
        return model.model_validate({} if given is None else given)
    except ValidationError as error:
        raise Failure(INVALID_PARAMS, _sentence(model, command, error)) from error


def read_target(data: Any) -> Target:
    """The data of a code action that is to be resolved."""
    return read_argument(Target, data, "This action")


def _sentence(model: type[BaseModel], command: str, error: ValidationError) -> str:
    takes = ", ".join(model.model_fields) or "nothing"
    named = [
        f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg'].lower()}"
        for wrong in error.errors()[:MAX_NAMED]
        if wrong["loc"]
    ]
    why = f" ({'; '.join(named)})" if named else ""
    return f"{command[:100]} takes an object with {takes}{why}."
