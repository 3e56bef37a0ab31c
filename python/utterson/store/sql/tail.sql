-- The entries after one, oldest first; the payload is NULL where it was dropped by age.
SELECT e.*
FROM prove_workspace($1, $4) AS w (workspace_key)
CROSS JOIN LATERAL (
    SELECT l.seq, l.id, l.prev, l.policy_revision, l.commit_time_us, l.state_hash, l.format_version, p.payload
    FROM log AS l
    LEFT JOIN log_payload AS p
        ON p.workspace_key = l.workspace_key AND p.seq = l.seq AND p.commit_time_us = l.commit_time_us
    WHERE l.workspace_key = w.workspace_key AND l.seq > $2
    ORDER BY l.seq
    LIMIT $3
) AS e
ORDER BY e.seq
