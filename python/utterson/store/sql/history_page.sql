-- A page of the decisions that touched some members, newest first; one recorded under two members is told once.
SELECT DISTINCT ON (h.seq, h.position) h.seq, h.position, h.record
FROM prove_workspace($1, $6) AS w (workspace_key)
CROSS JOIN LATERAL (SELECT profile FROM unnest($2::bigint[]) AS u (profile) WHERE w.workspace_key IS NOT NULL OFFSET 0) AS m
CROSS JOIN LATERAL (
    SELECT seq, position, record FROM history
    WHERE workspace_key = $1 AND profile = m.profile AND (seq, position) < ($3::bigint, $4::integer)
    ORDER BY seq DESC, position DESC
    LIMIT $5
) AS h
ORDER BY h.seq DESC, h.position DESC
LIMIT $5
