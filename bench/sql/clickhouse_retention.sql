SELECT toDate32(week * 7 - 3), later - week, count() FROM (
    SELECT visitor, groupUniqArray(intDiv(toInt32(toDate32(fromUnixTimestamp64Micro(t))) + 3, 7)) AS weeks FROM events GROUP BY visitor
) ARRAY JOIN weeks AS week ARRAY JOIN arrayFilter(w -> w >= week, weeks) AS later GROUP BY week, later
