"""The bill of materials of a bundle: CycloneDX 1.6, JSON. Needs the extra `bundle`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from lsp.bundle import llama_wheel
from lsp.bundle.wheels import Wheel
from models.catalog import CatalogEntry

_NAMESPACE = uuid.UUID("6f1a0b1e-6c55-5f0e-9d58-0c8c3f0f2f6a")  # ours, for serial numbers


@dataclass(frozen=True, slots=True)
class Described:
    """What goes into the bill. Digests are SHA-256 in hex."""

    version: str
    made_at: datetime
    wheels: Sequence[tuple[Wheel, str]]
    weights: Sequence[tuple[CatalogEntry, int]]  # with the size in bytes
    plugins: Sequence[str]
    llama_cpp_commit: str


def sbom(described: Described) -> bytes:
    """The same contents give the same bytes, the serial number included."""
    licence = LicenseFactory()
    root = Component(
        type=ComponentType.APPLICATION,
        name="postil-bundle",
        version=described.version,
        bom_ref="bundle",
    )
    bom = Bom(metadata=BomMetaData(component=root, timestamp=described.made_at))
    bom.components.update(_wheel(wheel, digest, licence) for wheel, digest in described.wheels)
    bom.components.update(_weights(entry, n, licence) for entry, n in described.weights)
    bom.components.update(_plugin(name, described.version) for name in described.plugins)
    if any(wheel.name == llama_wheel.NAME for wheel, _ in described.wheels):
        bom.components.add(_llama_cpp(described.llama_cpp_commit, licence))
    bom.register_dependency(root, bom.components)
    named = "\n".join(sorted(f"{c.name} {c.version} {_digest(c)}" for c in bom.components))
    bom.serial_number = uuid.uuid5(_NAMESPACE, f"{described.made_at.isoformat()}\n{named}")
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    # The library orders lists and not keys.
    return json.dumps(json.loads(text), indent=1, sort_keys=True).encode("ascii") + b"\n"


def _wheel(wheel: Wheel, digest: str, licence: LicenseFactory) -> Component:
    kind = ComponentType.APPLICATION if wheel.name == "postil" else ComponentType.LIBRARY
    return Component(
        type=kind,
        name=wheel.name,
        version=wheel.version,
        bom_ref=f"wheel:{wheel.name}",
        purl=PackageURL("pypi", name=wheel.name, version=wheel.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        licenses=[licence.make_from_string(wheel.licence)] if wheel.licence else (),
        properties=[Property(name="postil:file", value=wheel.file.name)],
    )


def _weights(entry: CatalogEntry, size_bytes: int, licence: LicenseFactory) -> Component:
    properties = {"postil:file": entry.file, "postil:bytes": str(size_bytes)}
    if entry.base_licence:
        properties["postil:base-licence"] = entry.base_licence
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=entry.title,
        version=entry.sha256[:12],
        bom_ref=f"weights:{entry.name}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=entry.sha256)],
        licenses=[licence.make_from_string(entry.licence)],
        properties=[Property(name=name, value=value) for name, value in properties.items()],
    )


def _plugin(name: str, version: str) -> Component:
    return Component(
        type=ComponentType.APPLICATION,
        name=f"postil-{name}",
        version=version,
        bom_ref=f"plugin:{name}",
        licenses=[LicenseFactory().make_from_string("MIT")],
    )


def _llama_cpp(commit: str, licence: LicenseFactory) -> Component:
    """The library inside llama-cpp-python's wheel: what advisories are about."""
    return Component(
        type=ComponentType.LIBRARY,
        name="llama.cpp",
        version=commit or None,
        bom_ref="llama.cpp",
        purl=PackageURL("github", "ggml-org", "llama.cpp", commit or None),
        licenses=[licence.make_from_string("MIT")],
        properties=[Property(name="postil:in", value=f"wheel:{llama_wheel.NAME}")],
    )


def _digest(component: Component) -> str:
    return "".join(h.content for h in component.hashes)
