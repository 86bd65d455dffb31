"""The usual programs of other libraries, under the same faults as mostread."""
