"""Certificates as engineers put them into a folder: PEM or DER, whatever the files are called."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

SUFFIXES = (".der", ".pem", ".crt", ".cer")


def certificates_in(folder: Path) -> list[x509.Certificate]:
    """Return the certificates in a folder, by the names of their files.

    Raises
    ------
    OSError, ValueError
        A file cannot be read or is no certificate; the message names it.
    """
    return [_certificate(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]


def _certificate(path: Path) -> x509.Certificate:
    content = path.read_bytes()
    read = x509.load_pem_x509_certificate if b"-----BEGIN" in content else x509.load_der_x509_certificate
    try:
        return read(content)
    except ValueError as error:
        raise ValueError(f"{path.name} in folder {path.parent.name} is no certificate") from error
