"""The admin client while no broker is reachable."""

import subprocess
import sys

from tests.support.servers import free_ports

PROGRAM = """
import sys, threading
from kafka.errors import KafkaError
from mostread.infra.kafka.topics import Admin

for _ in range(3):
    try:
        Admin(bootstrap_servers=sys.argv[1], bootstrap_timeout_ms=200)
    except KafkaError as error:
        print(type(error).__name__, threading.active_count())
"""


def test_admin_client_leaves_no_thread_after_failed_connection() -> None:
    """Runs in its own process, since kafka-python leaves sockets to the garbage collector."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"127.0.0.1:{free_ports(1)[0]}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout.splitlines() == ["KafkaTimeoutError 1"] * 3
