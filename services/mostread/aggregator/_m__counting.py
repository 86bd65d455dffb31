"""The settings that are part of the counting rules: who counts and who checks must agree."""

from pydantic import Field

from mostread.infra.settings import Settings


class CountingSettings(Settings):
    """Which events are late, and which come from the future."""

    aggregator_late_hours: int = Field(
        24, ge=1, le=24 * 30, description="An older event counts in its article's total only."
    )
    aggregator_future_seconds: int = Field(
        60, ge=0, le=3600, description="An event further ahead counts when it was received."
    )

    @property
    def late_ms(self) -> int:
        return self.aggregator_late_hours * 3_600_000

    @property
    def future_ms(self) -> int:
        return self.aggregator_future_seconds * 1000
