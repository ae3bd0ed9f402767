SELECT day, channel, uniqExact(visitor), uniqExactIf(session, event = 'purchase'), uniqExact(session) FROM events GROUP BY day, channel
