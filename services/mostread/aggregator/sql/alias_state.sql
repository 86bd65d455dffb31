-- Numbers that differ once an alias was written.
SELECT count(), max(version), sum(version) FROM alias_versions
