-- Per profile and name the newest value over all the profile's members (rule M8), without those that were removed; of each
-- profile the newest up to so many bytes, and of all together in the order of the profiles as well. OFFSET keeps the
-- look-up by key, as for identifiers.
SELECT owner, name, value, size_bytes, total
FROM (
    SELECT owner, name, value, size_bytes, total, sum(size_bytes) OVER all_newest - size_bytes AS begins
    FROM (
        SELECT owner, name, value, size_bytes, time_us,
            sum(size_bytes) OVER newest AS newer_bytes, count(*) OVER (PARTITION BY owner) AS total
        FROM (
            -- With keys and lengths, which are twelve bytes at the most.
            SELECT owner, name, value, time_us, octet_length(name) + octet_length(value) + 12 AS size_bytes
            FROM (
                SELECT DISTINCT ON (m.owner, t.name) m.owner, t.name, t.value, t.time_us
                FROM unnest($2::integer[], $3::bigint[]) AS m (owner, member)
                CROSS JOIN LATERAL (SELECT * FROM traits WHERE workspace_key = $1 AND profile = m.member OFFSET 0) AS t
                ORDER BY m.owner, t.name, t.time_us DESC, t.seq DESC, t.position DESC
            ) AS each_name
            WHERE value IS NOT NULL
        ) AS sized
        WINDOW newest AS (PARTITION BY owner ORDER BY time_us DESC, name ROWS UNBOUNDED PRECEDING)
    ) AS counted
    WHERE newer_bytes <= $4::bigint
    WINDOW all_newest AS (ORDER BY owner, time_us DESC, name ROWS UNBOUNDED PRECEDING)
) AS told
WHERE begins < $5::bigint
ORDER BY owner, name
