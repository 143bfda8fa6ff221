"""Certificates for tests, each signed by itself, for 127.0.0.1 and localhost."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make(certificate: Path, key: Path, *, days: int = 30, password: bytes | None = None) -> None:
    """Write a certificate and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    sealed = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    kept = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    with key.open("ab" if key == certificate else "wb") as file:
        file.write(kept)


def trusting(certificate: Path) -> ssl.SSLContext:
    """A context of a client that believes this certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate))
