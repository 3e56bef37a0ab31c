-- A page of a workspace's policies, newest first. Rows that begin beyond so many bytes are left out, but never the second.
SELECT policy_revision, policy, create_time_us
FROM (
    SELECT policy_revision, policy, create_time_us,
        row_number() OVER page AS place, sum(octet_length(policy)) OVER page - octet_length(policy) AS begins
    FROM prove_workspace($1, $5) AS w (workspace_key)
    CROSS JOIN LATERAL (
        SELECT policy_revision, policy, create_time_us
        FROM policies
        WHERE workspace_key = w.workspace_key AND policy_revision < $2
        ORDER BY policy_revision DESC
        LIMIT $3
    ) AS told
    WINDOW page AS (ORDER BY policy_revision DESC ROWS UNBOUNDED PRECEDING)
) AS counted
WHERE begins < $4::bigint OR place <= 2
ORDER BY policy_revision DESC
