-- The state that this snapshot shows.
SELECT l.seq, l.id, l.commit_time_us, l.state_hash, l.policy_revision, l.format_version, p.policy
FROM log AS l
JOIN policies AS p ON p.workspace_key = l.workspace_key AND p.policy_revision = l.policy_revision
WHERE l.workspace_key = $1
ORDER BY l.seq DESC
LIMIT 1
