-- A page of the traits of some members by name, those that were removed too: of each name the newest row over all members
-- (rule M8), with the entry that wrote it. Each member gives its own first rows from the key, from a name on, or behind it.
-- Rows that begin beyond so many bytes are left out, but never the second: who reads must know that there is one.
SELECT p.name, p.value, p.time_us, p.seq, l.id
FROM (
    SELECT name, value, time_us, seq,
        row_number() OVER page AS place, sum(size_bytes) OVER page - size_bytes AS begins
    FROM (
        SELECT DISTINCT ON (t.name) t.name, t.value, t.time_us, t.seq, t.position,
            octet_length(t.name) + coalesce(octet_length(t.value), 0) + 96 AS size_bytes
        FROM prove_workspace($1, $7) AS w (workspace_key)
        CROSS JOIN LATERAL (
            SELECT profile FROM unnest($2::bigint[]) AS u (profile) WHERE w.workspace_key IS NOT NULL OFFSET 0
        ) AS m
        CROSS JOIN LATERAL (
            SELECT name, value, time_us, seq, position FROM traits
            WHERE workspace_key = $1 AND profile = m.profile AND name >= $3 AND ($4 OR name > $3)
            ORDER BY name
            LIMIT $5
        ) AS t
        ORDER BY t.name, t.time_us DESC, t.seq DESC, t.position DESC
        LIMIT $5
    ) AS each_name
    WINDOW page AS (ORDER BY name ROWS UNBOUNDED PRECEDING)
) AS p
CROSS JOIN LATERAL (SELECT id FROM log WHERE workspace_key = $1 AND seq = p.seq OFFSET 0) AS l
WHERE p.begins < $6::bigint OR p.place <= 2
ORDER BY p.name
