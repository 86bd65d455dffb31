-- By which rules (services/mostread/engagement/rules.py) a partition is counted. A worker that
-- knows only older ones leaves it to those that know them.
ALTER TABLE progress ADD COLUMN IF NOT EXISTS rules UInt16 DEFAULT 1 AFTER dead_lettered;
