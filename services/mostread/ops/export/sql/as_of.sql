SELECT ifNull(toUnixTimestamp64Milli(as_of), 0) / 1000 FROM freshness
