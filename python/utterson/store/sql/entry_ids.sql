-- The ids of the entries that have these numbers in the chain; by the genesis alone, as entry_id.
SELECT v.seq, l.id
FROM unnest($2::bigint[]) AS v (seq)
CROSS JOIN LATERAL (SELECT id FROM log WHERE workspace_key = $1 AND seq = v.seq OFFSET 0) AS l
WHERE EXISTS (SELECT FROM workspaces WHERE workspace_key = $1 AND genesis_id = $3)
