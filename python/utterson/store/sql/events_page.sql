-- A page of the events of some members, newest first; each member gives its own first rows from the key. Rows that begin
-- beyond so many bytes are left out, but never the second: who reads must know that there is one.
SELECT time_us, seq, position, record
FROM (
SELECT e.time_us, e.seq, e.position, e.record,
    row_number() OVER page AS place, sum(octet_length(e.record)) OVER page - octet_length(e.record) AS begins
FROM prove_workspace($1, $8) AS w (workspace_key)
CROSS JOIN LATERAL (SELECT profile FROM unnest($2::bigint[]) AS u (profile) WHERE w.workspace_key IS NOT NULL OFFSET 0) AS m
CROSS JOIN LATERAL (
    SELECT time_us, seq, position, record FROM events
    WHERE workspace_key = $1 AND profile = m.profile AND (time_us, seq, position) < ($3::bigint, $4::bigint, $5::integer)
    ORDER BY time_us DESC, seq DESC, position DESC
    LIMIT $6
) AS e
WINDOW page AS (ORDER BY e.time_us DESC, e.seq DESC, e.position DESC ROWS UNBOUNDED PRECEDING)
ORDER BY e.time_us DESC, e.seq DESC, e.position DESC
LIMIT $6
) AS counted
WHERE begins < $7::bigint OR place <= 2
ORDER BY time_us DESC, seq DESC, position DESC
