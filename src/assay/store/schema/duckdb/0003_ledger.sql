-- Lines that the collector received and did not take, by segment and reason: they never were events.
CREATE TABLE refusals (
    segment VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    lines BIGINT NOT NULL
);
