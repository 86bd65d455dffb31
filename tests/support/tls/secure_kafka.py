"""Apache Kafka with TLS, users and ACLs, and its own tool that grants them."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mostread.devstack.servers.kafka import LocalKafka
from mostread.devstack.servers.kafka_download import KAFKA_VERSION, cache_dir
from tests.support.servers import free_ports
from tests.support.tls.certificates import Authority

# The listener PLAINTEXT is for the broker itself and the administrator.
SECURITY = """\
listeners=PLAINTEXT://127.0.0.1:{internal},USERS://127.0.0.1:{users},EXPIRED://127.0.0.1:{expired},\
CERTIFICATES://127.0.0.1:{certificates},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{internal},USERS://localhost:{users},\
EXPIRED://localhost:{expired},CERTIFICATES://localhost:{certificates}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,USERS:SASL_SSL,\
EXPIRED:SASL_SSL,CERTIFICATES:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.users.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.users.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.users.plain.sasl.jaas.config={login}.plain.PlainLoginModule required {plain};
listener.name.expired.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.expired.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
ssl.truststore.type=PEM
ssl.truststore.location={trusted}
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={expired_certificate}
listener.name.certificates.ssl.client.auth=required
listener.name.certificates.ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
_REPLACED = ("listeners=", "advertised.listeners=", "listener.security.protocol.map=")


class SecureKafka(LocalKafka):
    """One broker with TLS listeners.

    `users` requires SCRAM or PLAIN, `certificates` a client certificate. The certificate of
    `expired` has expired. The other certificates are for localhost, so that a client that uses
    127.0.0.1 sees the certificate of another host.
    """

    def __init__(self, data: Path, authority: Authority, passwords: Mapping[str, str]) -> None:
        internal, controller, users, certificates, expired = free_ports(5)
        super().__init__(data, internal, controller)
        self.users, self.users_by_address = f"localhost:{users}", f"127.0.0.1:{users}"
        self.certificates, self.expired = f"localhost:{certificates}", f"localhost:{expired}"
        self._passwords = passwords
        plain = " ".join(f'user_{name}="{password}"' for name, password in passwords.items())
        self._security = SECURITY.format(
            internal=internal,
            controller=controller,
            users=users,
            certificates=certificates,
            expired=expired,
            login="org.apache.kafka.common.security",
            plain=plain,
            certificate=authority.sign("localhost"),
            expired_certificate=authority.sign("localhost", expired=True),
            trusted=authority.file,
        )

    def properties(self) -> str:
        lines = super().properties().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(_REPLACED)]
        return "".join([*kept, self._security])

    def format_options(self) -> list[str]:
        return [
            option
            for name, password in self._passwords.items()
            for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256")
            for option in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]

    def acls_tool(self) -> Path:
        """Create an equivalent of kafka-acls.sh in Kafka's archive; return its path."""
        java = " ".join(f"'{each}'" for each in self._java()[:-1])
        jars = ":".join(str(jar) for jar in [_tools_jar(), *self._jars])
        program = self.data / "kafka-acls.sh"
        program.write_text(
            f"#!/bin/sh\nexec {java} '{jars}' org.apache.kafka.tools.AclCommand \"$@\"\n"
        )
        program.chmod(0o755)
        return program

    def grant(self, script: Path, **environment: str) -> str:
        """Run deploy/kafka/acls.sh; return its output."""
        result = subprocess.run(
            [str(script), "--bootstrap-server", self.brokers],
            env={"PATH": "/usr/bin:/bin", "KAFKA_ACLS": str(self.acls_tool()), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


def _tools_jar() -> Path:
    """Return the jar of Kafka's command line tools, which a broker does not need."""
    from jgo.maven import MavenContext  # noqa: PLC0415  half a second, needed once per user

    kept = cache_dir() / f"kafka-tools-{KAFKA_VERSION}"
    maven = MavenContext(repo_cache=kept, local_repos=[], timeout=30)
    jar: Path = maven.create_dependency(
        f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}"
    ).artifact.resolve()
    return jar


@contextmanager
def running_secure_kafka(
    data: Path, authority: Authority, passwords: Mapping[str, str]
) -> Iterator[SecureKafka]:
    """Run a broker whose users have these passwords."""
    server = SecureKafka(data, authority, passwords)
    try:
        server.start()
        yield server
    finally:
        server.stop()
