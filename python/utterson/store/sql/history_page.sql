-- A page of the decisions that touched some members, newest first; one recorded under two members is told once. Rows that
-- begin beyond so many bytes are left out, but never the second.
SELECT seq, position, record
FROM (
SELECT seq, position, record,
    row_number() OVER page AS place, sum(octet_length(record)) OVER page - octet_length(record) AS begins
FROM (
SELECT DISTINCT ON (h.seq, h.position) h.seq, h.position, h.record
FROM prove_workspace($1, $7) AS w (workspace_key)
CROSS JOIN LATERAL (SELECT profile FROM unnest($2::bigint[]) AS u (profile) WHERE w.workspace_key IS NOT NULL OFFSET 0) AS m
CROSS JOIN LATERAL (
    SELECT seq, position, record FROM history
    WHERE workspace_key = $1 AND profile = m.profile AND (seq, position) < ($3::bigint, $4::integer)
    ORDER BY seq DESC, position DESC
    LIMIT $5
) AS h
ORDER BY h.seq DESC, h.position DESC
LIMIT $5
) AS told
WINDOW page AS (ORDER BY seq DESC, position DESC ROWS UNBOUNDED PRECEDING)
) AS counted
WHERE begins < $6::bigint OR place <= 2
ORDER BY seq DESC, position DESC
