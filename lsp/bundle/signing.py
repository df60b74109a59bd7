"""The enterprise's key: made once, kept off the network, signs manifests. Ed25519.

Needs the extra `bundle` (cryptography). Checking signatures is installer.py's, without it.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from lsp.bundle.installer import BundleError


def make_key(file: Path) -> Path:
    """Write a new private key, readable by its owner alone, and FILE.pub; return the latter.

    Both are PEM, as openssl writes them. Raises `BundleError` rather than overwrite either.
    """
    public_file = file.with_name(f"{file.name}.pub")
    for taken in (file, public_file):
        if os.path.lexists(taken):
            raise BundleError(f"{taken} is there already and is not overwritten; name another.")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        for target, data, mode in ((file, private, 0o600), (public_file, public, 0o644)):
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as f:
                f.write(data)
    except OSError as error:
        raise BundleError(f"The key could not be written to {file}: {error.strerror}.") from error
    return public_file


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """Raises `BundleError`."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise BundleError(
            f"The key {file} cannot be read ({error.strerror}); make one with `postil bundle key`."
        ) from error
    except TypeError as error:
        raise BundleError(
            f"{file} is encrypted; decrypt it for the time of signing (openssl pkey -in {file})."
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BundleError(f"{file} is no private key in PEM; name the one to sign with.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{file} is not an Ed25519 key; make one with `postil bundle key`.")
    return key


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes that installer.py checks with."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
