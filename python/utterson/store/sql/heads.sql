-- The newest entry of each of some workspaces' logs.
SELECT k.workspace_key, l.seq, l.id
FROM unnest($1::bigint[]) AS k (workspace_key)
CROSS JOIN LATERAL (
    SELECT seq, id FROM log WHERE workspace_key = k.workspace_key ORDER BY seq DESC LIMIT 1
) AS l
