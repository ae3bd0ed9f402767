SELECT place, from_page, to_page, count() FROM (
    SELECT arraySlice(arrayCompact(arrayMap(x -> x.2, arraySort(groupArray((t, path))))), 1, 4) AS pages
    FROM events WHERE event = 'page_view' GROUP BY session
) ARRAY JOIN arrayPopBack(pages) AS from_page, arrayPopFront(pages) AS to_page, arrayEnumerate(arrayPopBack(pages)) AS place
GROUP BY place, from_page, to_page
