"""End-to-end probe: measures the time from POST to list once per interval."""
