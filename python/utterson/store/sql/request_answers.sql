-- What was answered to accepted calls, by the digest of their request or message id. OFFSET keeps the look-up by key, as
-- for identifiers.
SELECT uuid_send(r.digest) AS digest, r.answer
FROM prove_workspace($1, $3) AS w (workspace_key)
CROSS JOIN LATERAL (SELECT digest FROM unnest($2::bytea[]) AS u (digest) WHERE w.workspace_key IS NOT NULL OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT digest, answer FROM requests WHERE workspace_key = $1 AND digest = encode(v.digest, 'hex')::uuid OFFSET 0
) AS r
