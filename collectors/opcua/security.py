"""How a server is made sure of, and we by it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asyncua.client.client import Client
from asyncua.common.utils import ServiceError
from asyncua.crypto import security_policies, uacrypto
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaprotocol_auto import ApplicationDescription, MessageSecurityMode
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from collectors.certificates import certificates_in
from models.site import Device

POLICIES: dict[str, type[security_policies.SecurityPolicy]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}
MODES = {"sign": MessageSecurityMode.Sign, "sign_and_encrypt": MessageSecurityMode.SignAndEncrypt}


async def secure(client: Client, device: Device) -> None:
    """Set up a client that is not connected yet: policy and certificates, whom to trust, who we are.

    Raises
    ------
    OSError, ValueError
        A certificate or key cannot be read.
    UaError
        The server has no such policy.
    """
    settings = device.security
    if device.username:
        client.set_user(device.username)
        client.set_password(device.password)
    if settings.user_certificate is not None and settings.user_key is not None:
        await client.load_client_certificate(str(settings.user_certificate))
        await client.load_private_key(settings.user_key)
    if settings.policy == "None":
        return
    if settings.certificate is None or settings.key is None or settings.trusted is None:
        raise ValueError(f"security {settings.policy} without certificate, key and whom to trust")
    own = await uacrypto.load_certificate(settings.certificate)
    client.application_uri = application_uri(own) or client.application_uri
    client.certificate_validator = await _trust(settings.trusted)
    await client.set_security(
        POLICIES[settings.policy], str(settings.certificate), str(settings.key), mode=MODES[settings.mode]
    )


def application_uri(certificate: x509.Certificate) -> str:
    """Return the URI that a certificate names its application by, nothing if none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


@dataclass(frozen=True, slots=True)
class _Trust:
    """Believes certificates that lie in a folder, or whose authority's does; all within their time and of their URI."""

    known: frozenset[bytes]
    store: TrustStore
    formal: CertificateValidator

    async def __call__(self, certificate: x509.Certificate, server: ApplicationDescription) -> None:
        """Return if the certificate is a server's that we trust; raises ``ServiceError``."""
        await self.formal(certificate, server)
        if self.store.is_revoked(certificate):
            raise ServiceError(StatusCodes.BadCertificateRevoked)
        if certificate.public_bytes(Encoding.DER) not in self.known and not self.store.is_trusted(certificate):
            raise ServiceError(StatusCodes.BadCertificateUntrusted)


async def _trust(folder: Path) -> _Trust:
    revoked = folder / "revoked"
    store = TrustStore([folder], [revoked] if revoked.is_dir() else [])
    known = frozenset(one.public_bytes(Encoding.DER) for one in certificates_in(folder))
    if known:
        # A store without a certificate is one that asyncua cannot make; it would trust nobody either.
        await store.load_trust()
    await store.load_crl()
    options = CertificateValidatorOptions.TIME_RANGE | CertificateValidatorOptions.URI
    return _Trust(known, store, CertificateValidator(options))
