"""Mosquitto, and the self-signed certificate a box comes with."""

import datetime as dt
import hashlib
import ipaddress
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.ports import free_port
from tests.support.process import Part, accepts, program


@dataclass(frozen=True)
class Certificate:
    """A certificate nobody signed but itself; ``fingerprint_sha256`` is lower-case hex of its DER form."""

    certificate_file: Path
    key_file: Path
    fingerprint_sha256: str


def self_signed(folder: Path, name: str = "openwb.local", *, valid_days: int = 30) -> Certificate:
    """Make one for ``name`` and 127.0.0.1; negative ``valid_days``: it expired that long ago."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=abs(valid_days) + 1))
        .not_valid_after(now + dt.timedelta(days=valid_days))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    der = made.public_bytes(serialization.Encoding.DER)
    return Certificate(certificate_file, key_file, hashlib.sha256(der).hexdigest())


class MosquittoPart(Part):
    """A broker of its own. Without ``persistence`` a restart forgets the retained messages."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None,
        users: Mapping[str, str] | None,
        tls: Certificate | None,
        persistence: bool,
        rights: Sequence[str] | None,
        websockets: bool,
    ) -> None:
        self.port = port or free_port()
        self.websocket_port = free_port() if websockets else None
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.tls_port = free_port() if tls else None
        self.tls_url = f"mqtts://127.0.0.1:{self.tls_port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._password_file = folder / "passwords"
        self._rights_file = folder / "rights"
        self._config_file = folder / "mosquitto.conf"
        super().__init__(
            "mosquitto",
            folder,
            [program("mosquitto", "mosquitto"), "-c", self._config_file],
            lambda: all(accepts(one) for one in (self.port, self.tls_port, self.websocket_port) if one is not None),
        )
        lines = [] if rights is None else [f"acl_file {self._rights_file}"]
        self._config_file.write_text(self._config(users is not None, tls, lines, persistence=persistence))
        if users is not None:
            self.set_users(users)
        if rights is not None:
            self.set_rights(rights)

    def set_users(self, users: Mapping[str, str]) -> None:
        """Replace names and passwords; a running broker reads them at once. It must have been made with users."""
        self._password_file.write_text("")
        self._password_file.chmod(0o600)
        for name, password in users.items():
            command = [program("mosquitto_passwd", "mosquitto"), "-b", str(self._password_file), name, password]
            subprocess.run(command, check=True, capture_output=True, timeout=10)
        if self.running:
            self.signal(signal.SIGHUP)

    def set_rights(self, rights: Sequence[str]) -> None:
        """Replace what everybody may do, as in "read openWB/system/#"; it must have been made with rights."""
        self._rights_file.write_text("".join(f"topic {right}\n" for right in rights))
        self._rights_file.chmod(0o600)
        if self.running:
            self.signal(signal.SIGHUP)

    def _config(self, with_users: bool, tls: Certificate | None, more: Sequence[str], *, persistence: bool) -> str:
        lines = [
            *more,
            "log_dest stdout",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            f"allow_anonymous {'false' if with_users else 'true'}",
        ]
        if os.getuid() == 0:
            lines.append("user root")
        if with_users:
            lines.append(f"password_file {self._password_file}")
        if persistence:
            lines += ["persistence true", f"persistence_location {self.folder}/"]
            lines += ["autosave_on_changes true", "autosave_interval 1"]  # a kill saves nothing by itself
        lines.append(f"listener {self.port} 127.0.0.1")
        if tls:
            lines.append(f"listener {self.tls_port} 127.0.0.1")
            lines += [f"certfile {tls.certificate_file}", f"keyfile {tls.key_file}"]
        if self.websocket_port is not None:
            lines += [f"listener {self.websocket_port} 127.0.0.1", "protocol websockets"]
        return "\n".join([*lines, ""])


def mosquitto(
    folder: Path,
    *,
    port: int | None = None,
    users: Mapping[str, str] | None = None,
    tls: Certificate | None = None,
    persistence: bool = False,
    rights: Sequence[str] | None = None,
    websockets: bool = False,
) -> MosquittoPart:
    """A broker on 127.0.0.1; with ``users`` it refuses all others, with ``tls`` it has a second listener.

    With ``websockets`` it has one for MQTT over websocket, too, at ``websocket_port``.

    With ``rights``, as in "readwrite openWB/#", everybody may do that and no more.
    """
    return MosquittoPart(
        folder,
        port=port,
        users=users,
        tls=tls,
        persistence=persistence,
        rights=rights,
        websockets=websockets,
    )
