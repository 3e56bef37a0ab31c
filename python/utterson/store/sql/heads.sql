-- The newest entry of each of some workspaces' logs; one that is gone, or is another one now, is left out. OFFSET keeps the
-- look-up by key, as for identifiers.
SELECT k.place, l.seq, l.id
FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS k (workspace_key, identity, place)
CROSS JOIN LATERAL (
    SELECT FROM workspaces AS w
    WHERE w.workspace_key = k.workspace_key AND w.genesis_id || w.database_id = k.identity
    OFFSET 0
) AS proven
CROSS JOIN LATERAL (
    SELECT seq, id FROM log WHERE workspace_key = k.workspace_key ORDER BY seq DESC LIMIT 1
) AS l
