-- The state that this snapshot shows.
SELECT l.seq, l.id, l.commit_time_us, l.state_hash, l.policy_revision, l.format_version, p.policy
FROM prove_workspace($1, $2) AS w (workspace_key)
CROSS JOIN LATERAL (SELECT * FROM log WHERE workspace_key = w.workspace_key ORDER BY seq DESC LIMIT 1) AS l
JOIN policies AS p ON p.workspace_key = $1 AND p.policy_revision = l.policy_revision
