"""Streams whose client reads too slowly, by what the kernel says that it received."""

from mostread.infra.http.backlog import MAX_UNREAD_BYTES, StreamBacklog

CLIENT = "192.0.2.1:5000"


def test_client_without_stream_is_never_too_far_behind() -> None:
    assert not StreamBacklog().exceeded(CLIENT, 0)


def test_client_that_received_nothing_is_too_far_behind_after_the_limit() -> None:
    backlog = StreamBacklog()
    backlog.open(CLIENT)
    assert not backlog.exceeded(CLIENT, 1000)
    backlog.add(CLIENT, MAX_UNREAD_BYTES)
    assert not backlog.exceeded(CLIENT, 1000)
    backlog.add(CLIENT, 1)
    assert backlog.exceeded(CLIENT, 1000)
    assert not backlog.exceeded(CLIENT, 1001)


def test_framing_does_not_count_as_bytes_read_ahead() -> None:
    backlog = StreamBacklog()
    backlog.open(CLIENT)
    assert not backlog.exceeded(CLIENT, 0)
    backlog.add(CLIENT, 1000)
    assert not backlog.exceeded(CLIENT, 100_000)
    backlog.add(CLIENT, MAX_UNREAD_BYTES + 1)
    assert backlog.exceeded(CLIENT, 100_000)


def test_second_stream_of_a_connection_keeps_its_backlog() -> None:
    backlog = StreamBacklog()
    backlog.open(CLIENT)
    backlog.open(CLIENT)
    assert not backlog.exceeded(CLIENT, 0)
    backlog.add(CLIENT, MAX_UNREAD_BYTES + 1)
    backlog.close(CLIENT)
    assert backlog.exceeded(CLIENT, 0)
    backlog.close(CLIENT)
    assert not backlog.exceeded(CLIENT, 0)


def test_bytes_sent_before_the_first_look_count() -> None:
    backlog = StreamBacklog()
    backlog.open(CLIENT)
    backlog.add(CLIENT, MAX_UNREAD_BYTES + 1000)
    assert not backlog.exceeded(CLIENT, 1000)
    assert backlog.exceeded(CLIENT, 999)
