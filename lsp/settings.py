"""What a user can set, read once into one frozen object.

Sources, the later wins: defaults, the editor's `initializationOptions`, its answer to
`workspace/configuration` (section `postil`), environment variables (POSTIL_ and the name in
capitals), the command line. No file of a workspace is read: a repository must not choose a model, a
server, a binary or a folder. A server cannot see which scope of an editor a value comes from, so
the configuration is asked for without a folder, and editors are told by `scope` in the schema
which settings a workspace's own file must not hold.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from models.audit import Level
from models.backends.endpoint import EndpointKind, FormatName
from models.backends.loading import Drafts, FlashAttention, KvType
from models.backends.worker_client import Options
from models.reasoning import Effort

SECTION = "postil"  # of an editor's settings


def _listed(value: object) -> object:
    """In the environment a list is one text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _words(value: object) -> object:
    """A command is a list with commas, too; one without any is read as a shell would."""
    if isinstance(value, str) and "," not in value:
        try:
            return shlex.split(value, posix=sys.platform != "win32")
        except ValueError:
            raise PydanticCustomError("words", "close its quotes") from None
    return _listed(value)


def _whole(path: Path) -> Path:
    """With the home folder for a ~. What is left relative would be in whatever folder we run."""
    with suppress(RuntimeError):  # of a user who has none
        path = path.expanduser()
    if not path.is_absolute():
        raise PydanticCustomError("whole_path", "give its whole path")
    return path


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
WholePath = Annotated[Path, AfterValidator(_whole)]


class Settings(BaseModel):
    """Names, defaults and meanings; README and the editors' settings are held to these."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = Field(
        "auto",
        description="Which weights to use: auto, a name from `postil models list`, "
        "transformers:FOLDER, or none.",
    )
    model_digest: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="SHA-256 that a folder for Transformers must have; asked for without one, "
        "Postil says which it has.",
    )
    effort: Effort = Field(
        Effort.NORMAL, description="How long the model may think: quick, normal or deep."
    )
    thinking_seconds: float = Field(
        60.0,
        ge=0.0,
        le=86_400.0,
        description="The thinking of one answer is closed after so long; 0 sets no limit.",
    )
    context_tokens: int = Field(
        900, ge=200, le=100_000, description="Code shown to the model, in its own tokens."
    )
    reorder_weight: float = Field(
        0.0,
        ge=0.0,
        le=4.0,
        description="How much the model's own order of the best suspects counts; 0 asks it for "
        "none. Measure yours with `postil eval --with-model`.",
    )
    n_threads: int = Field(
        0, ge=0, le=1_024, description="Threads for the model; 0 takes the physical cores."
    )
    n_ctx: int = Field(
        0, ge=0, le=1_048_576, description="The model's context in tokens; 0 takes what fits."
    )
    n_gpu_layers: int = Field(
        -1,
        ge=-1,
        le=1_000,
        description="Layers of the model on the GPU, where llama.cpp was built for one; -1 is all.",
    )
    kv_cache: KvType = Field(
        KvType.F16,
        description="How the context is kept: f16, q8_0 (half the memory), q4_0 (a quarter, and "
        "answers get worse).",
    )
    flash_attention: FlashAttention = Field(
        FlashAttention.AUTO,
        description="auto, on or off; auto is on for a GPU or a small kv_cache.",
    )
    drafts: Drafts = Field(
        Drafts.PROMPT,
        description="prompt: what an answer copies from the prompt is written faster; none.",
    )
    idle_unload_minutes: float = Field(
        15.0,
        ge=0.0,
        le=10_080.0,
        description="The model leaves memory after so long without a question; 0 is never.",
    )
    code_lens: bool = Field(
        default=False,
        description="What can be asked about a function or a finding stands above it.",
    )
    symbols: bool = Field(
        default=False,
        description="Names in a file and in the workspace come from Postil's index, too; for "
        "editors without another server for a language.",
    )
    inline_completion: bool = Field(
        default=False,
        description="The model fills in code at the cursor, where it was trained for that.",
    )
    review_on_save: bool = Field(
        default=False,
        description="What was changed since the last commit is read by the model on saving.",
    )
    pull_diagnostics: bool = Field(
        default=False,
        description="The editor asks for diagnostics, where it can, instead of being sent them.",
    )
    max_suspects: int = Field(10, ge=1, le=100, description="Suspects shown for one report.")
    check_command: Words = Field(
        (),
        description="Words of a command (tests, a type checker) that each edit is tried with, on a "
        "copy and in trusted workspaces only.",
    )
    check_seconds: float = Field(
        120.0, ge=1.0, le=3_600.0, description="The check command is ended after so long."
    )
    endpoints: Names = Field(
        (),
        description="Addresses of servers to ask instead of the local model; several share the "
        "load.",
    )
    endpoint_kind: EndpointKind = Field(
        EndpointKind.OPENAI, description="What the servers speak: openai or ollama."
    )
    endpoint_model: str = Field("", description="The servers' model; empty for their first.")
    endpoint_format: FormatName = Field(
        "auto",
        description="How their model is spoken to: chatml, deepseek-r1, chat (the server's own "
        "template), or auto, by the model's name.",
    )
    allowed_hosts: Names = Field(
        (), description="Hosts beside this machine that code may be sent to."
    )
    api_key_variable: str = Field(
        "POSTIL_API_KEY", description="Environment variable that holds the servers' key."
    )
    ca_file: WholePath | None = Field(
        None, description="Certificate (PEM) of the authority that signed the servers'."
    )
    cache_dir: WholePath = Field(
        default_factory=lambda: platformdirs.user_cache_path("postil"),
        description="Folder for the index.",
    )
    record: Level = Field(
        Level.DIGESTS,
        description="What is recorded of questions to the model: off, digests, or text, too.",
    )
    data_dir: WholePath = Field(
        default_factory=lambda: platformdirs.user_data_path("postil"),
        description="Folder for the record.",
    )
    models_dir: WholePath = Field(
        default_factory=lambda: models_folder(Path(sys.prefix)),
        description="Folder for the weights.",
    )

    @property
    def worker_options(self) -> Options:
        return Options(
            n_ctx=self.n_ctx or None,
            n_threads=self.n_threads or None,
            n_gpu_layers=self.n_gpu_layers,
            kv_type=self.kv_cache,
            flash_attention=self.flash_attention,
            drafts=self.drafts,
            idle_unload_s=60 * self.idle_unload_minutes,
        )


# All others are the machine's, new ones too: they decide which programs, files and servers are
# used, or what it costs, and only the user's own settings may hold them.
WINDOW = frozenset(
    """effort thinking_seconds context_tokens reorder_weight code_lens symbols inline_completion
    max_suspects""".split()
)
MACHINE_ONLY = frozenset(Settings.model_fields) - WINDOW
_PATHS = frozenset({"ca_file", "cache_dir", "data_dir", "models_dir"})


def settings_schema() -> dict[str, Any]:
    """A JSON schema of all settings, each with its `scope`: machine or window.

    Folders that depend on the machine have no default.
    """
    schema = Settings.model_json_schema()
    for name, rule in schema["properties"].items():
        rule["scope"] = "machine" if name in MACHINE_ONLY else "window"
    return schema


def models_folder(environment: Path) -> Path:
    """Weights that an air-gap bundle installed with this environment, else the user's cache."""
    bundled = environment / "share" / "postil" / "models"
    return bundled if bundled.is_dir() else platformdirs.user_cache_path("postil") / "models"


def read_settings(
    environ: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> tuple[Settings, list[str]]:
    """Settings, and one sentence for each value that is wrong and was left at its default.

    `configuration` is the editor's section, which also holds what only its plugin knows: names
    that are no settings are passed over there, and named when they come in `options`.
    """
    known = {k: v for k, v in (configuration or {}).items() if k in Settings.model_fields}
    named = {name: environ.get(f"POSTIL_{name.upper()}") for name in Settings.model_fields}
    given: dict[str, Any] = {}
    for source in (options or {}, known, named):
        given.update({name: value for name, value in source.items() if _is_set(name, value)})
    complaints: list[str] = []
    for name in [key for key in given if key not in Settings.model_fields]:
        complaints.append(f"Postil has no setting named {name}; it is left out.")
        del given[name]
    while True:
        try:
            return Settings.model_validate(given), complaints
        except ValidationError as error:
            why: dict[str, str] = {}  # the first reason of each: a list has one for every item
            for wrong in error.errors():
                why.setdefault(str(wrong["loc"][0]), wrong["msg"])
            complaints += [
                f"The setting {name} cannot be {given.pop(name)!r} ({reason}); its default is used."
                for name, reason in why.items()
            ]


def _is_set(name: str, value: object) -> bool:
    """Null is not, nor is an empty path, which editors have as a default."""
    return value is not None and not (value == "" and name in _PATHS)
