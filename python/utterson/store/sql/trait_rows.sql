-- Per profile and name the newest value over all the profile's members (rule M8), of each profile the newest up to so many
-- bytes. OFFSET keeps the look-up by key, as for identifiers.
SELECT serial, name, value, newer_bytes, total
FROM (
    SELECT serial, name, value,
        sum(octet_length(name) + coalesce(octet_length(value), 0)) OVER newest AS newer_bytes,
        count(*) OVER (PARTITION BY serial) AS total
    FROM (
        SELECT DISTINCT ON (m.serial, t.name) m.serial, t.name, t.value, t.time_us
        FROM unnest($2::bigint[], $3::bigint[]) AS m (serial, member)
        CROSS JOIN LATERAL (SELECT * FROM traits WHERE workspace_key = $1 AND profile = m.member OFFSET 0) AS t
        ORDER BY m.serial, t.name, t.time_us DESC, t.seq DESC, t.position DESC
    ) AS each_name
    WINDOW newest AS (PARTITION BY serial ORDER BY time_us DESC, name ROWS UNBOUNDED PRECEDING)
) AS counted
WHERE newer_bytes - octet_length(name) - coalesce(octet_length(value), 0) < $4::bigint
ORDER BY serial, name
