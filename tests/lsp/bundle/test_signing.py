"""Our own Ed25519 verification against the RFC's vectors, and against cryptography."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp.bundle.installer import BundleError, BundleRefused, is_signed, read_public_key
from lsp.bundle.signing import make_key, public_bytes, read_private_key

# RFC 8032, 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
        "1d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
        "c6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
        "e0303dca179c138ac17ad9bef1177331a704",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc_are_accepted(
    secret: str, public: str, message: str, signature: str
) -> None:
    assert is_signed(*map(bytes.fromhex, (public, message, signature)))
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    assert public_bytes(private).hex() == public


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS[:2])
def test_a_flipped_bit_anywhere_in_a_signature_is_refused(
    secret: str, public: str, message: str, signature: str
) -> None:
    del secret
    good = bytes.fromhex(signature)
    for byte in range(64):
        bad = bytearray(good)
        bad[byte] ^= 1 << byte % 8
        assert not is_signed(bytes.fromhex(public), bytes.fromhex(message), bytes(bad))


def test_a_signature_with_the_order_added_is_refused() -> None:
    """It would satisfy the equation; the RFC has it refused so that there is one a message."""
    _, public, message, signature = (bytes.fromhex(part) for part in VECTORS[1])
    s = int.from_bytes(signature[32:], "little") + ORDER
    assert not is_signed(public, message, signature[:32] + s.to_bytes(32, "little"))


def test_lengths_and_keys_that_are_no_points_are_refused() -> None:
    _, public, message, signature = (bytes.fromhex(part) for part in VECTORS[1])
    assert not is_signed(public, message, signature + b"\0")
    assert not is_signed(public, message, b"")
    assert not is_signed(public[:31], message, signature)
    assert not is_signed(b"\xff" * 32, message, signature)
    assert not is_signed((2).to_bytes(32, "little"), message, signature)


@settings(deadline=None)
@given(secret=st.binary(min_size=32, max_size=32), message=st.binary(max_size=300), data=st.data())
def test_it_agrees_with_cryptography(secret: bytes, message: bytes, data: st.DataObject) -> None:
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = public_bytes(private), private.sign(message)
    assert is_signed(public, message, signature)
    parts = [bytearray(public), bytearray(message), bytearray(signature)]
    part = parts[data.draw(st.integers(0, 2))]
    if not part:
        part.append(0)
    else:
        part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
    changed = [bytes(one) for one in parts]
    try:
        Ed25519PublicKey.from_public_bytes(changed[0]).verify(changed[2], changed[1])
        theirs = True
    except (InvalidSignature, ValueError):
        theirs = False
    assert is_signed(*changed) == theirs


def test_a_key_pair_is_private_and_is_what_openssl_reads(tmp_path: Path) -> None:
    private = tmp_path / "acme.key"
    public = make_key(private)
    assert public == tmp_path / "acme.key.pub"
    if sys.platform != "win32":
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert read_public_key(public) == public_bytes(read_private_key(private))
    done = subprocess.run(
        ["openssl", "pkey", "-in", private, "-pubout"], capture_output=True, text=True, check=True
    )
    assert done.stdout == public.read_text()


def test_a_key_is_not_overwritten(tmp_path: Path) -> None:
    make_key(tmp_path / "acme.key")
    before = (tmp_path / "acme.key").read_bytes()
    with pytest.raises(BundleError, match="there already and is not overwritten"):
        make_key(tmp_path / "acme.key")
    assert (tmp_path / "acme.key").read_bytes() == before


def test_a_private_key_that_cannot_sign_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"cannot be read .*postil bundle key"):
        read_private_key(tmp_path / "none.key")
    file = tmp_path / "other.key"
    file.write_text("hello")
    with pytest.raises(BundleError, match="no private key in PEM"):
        read_private_key(file)
    rsa = generate_private_key(65537, 2048)
    file.write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(BundleError, match="not an Ed25519 key"):
        read_private_key(file)
    locked = BestAvailableEncryption(b"secret")
    key = Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    with pytest.raises(BundleError, match="is encrypted"):
        read_private_key(file)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\xe9",
        "-----BEGIN PUBLIC KEY-----\n" + "A" * 60 + "\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n" + "=" * 60 + "\n-----END PUBLIC KEY-----\n",
    ],
)
def test_a_file_that_is_no_public_key_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.pub"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(BundleRefused, match=r"name the owner's \.pub file"):
        read_public_key(file)


def test_a_private_key_given_as_the_public_one_is_refused(tmp_path: Path) -> None:
    make_key(tmp_path / "acme.key")
    with pytest.raises(BundleRefused, match="no Ed25519 public key"):
        read_public_key(tmp_path / "acme.key")
