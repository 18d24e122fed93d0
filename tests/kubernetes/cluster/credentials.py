"""Certificates and keys of one cluster: an authority of its own, one certificate a program, made anew each time."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = dt.timedelta(days=365)
ADMIN = "admin"
# Who they are to the API server: (name, groups). What each may do is bound to these names by Kubernetes itself.
CLIENTS: Mapping[str, tuple[str, str]] = {
    ADMIN: ("admin", "system:masters"),
    "coredns": ("system:coredns", ""),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kubelet": ("system:node:node", "system:nodes"),
}
SERVER = "kube-apiserver"
TOKENS = "tokens"  # the key pair that signs the tokens of service accounts
NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


def write(folder: Path, server: str, addresses: Sequence[IPv4Address]) -> None:
    """Write all of them, and a kubeconfig for each client of the API server at ``server``."""
    authority = _Authority()
    (folder / "ca.crt").write_bytes(authority.certificate)
    own: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
    _pair(folder, SERVER, authority.sign(SERVER, "", [*own, *map(x509.IPAddress, addresses)]))
    for client, (name, group) in CLIENTS.items():
        _pair(folder, client, authority.sign(name, group))
        (folder / f"{client}.kubeconfig").write_text(_kubeconfig(folder, client, server))
    key = ec.generate_private_key(ec.SECP256R1())
    _private(folder / f"{TOKENS}.key", _pem(key))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{TOKENS}.pub").write_bytes(public)


class _Authority:
    """Signs; its own key is forgotten with it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("mcp-cluster", "")
        own = _certificate(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.certificate = own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def sign(self, name: str, group: str, addresses: Sequence[x509.GeneralName] = ()) -> tuple[bytes, bytes]:
        """Give a certificate and its key: a server's when it has addresses, else a client's."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if addresses else ExtendedKeyUsageOID.CLIENT_AUTH
        made = _certificate(_name(name, group), self._name, key)
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if addresses:
            made = made.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), _pem(key)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - dt.timedelta(minutes=5),
        not_valid_after=now + YEAR,
    )


def _name(name: str, group: str) -> x509.Name:
    organization = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pair(folder: Path, name: str, pair: tuple[bytes, bytes]) -> None:
    (folder / f"{name}.crt").write_bytes(pair[0])
    _private(folder / f"{name}.key", pair[1])


def _private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _kubeconfig(folder: Path, client: str, server: str) -> str:
    """Tell a client where the API server is and who it is itself. JSON is YAML, too."""

    def data(file: str) -> str:
        return base64.b64encode((folder / file).read_bytes()).decode()

    user = {"client-certificate-data": data(f"{client}.crt"), "client-key-data": data(f"{client}.key")}
    cluster = {"server": server, "certificate-authority-data": data("ca.crt")}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "mcp",
            "contexts": [{"name": "mcp", "context": {"cluster": "mcp", "user": client}}],
            "clusters": [{"name": "mcp", "cluster": cluster}],
            "users": [{"name": client, "user": user}],
        }
    )
