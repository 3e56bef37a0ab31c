-- What was answered to accepted calls, by the digest of their request or message id. OFFSET keeps the look-up by key, as
-- for identifiers.
SELECT uuid_send(r.digest) AS digest, r.answer
FROM unnest($2::bytea[]) AS v (digest)
CROSS JOIN LATERAL (
    SELECT digest, answer FROM requests WHERE workspace_key = $1 AND digest = encode(v.digest, 'hex')::uuid OFFSET 0
) AS r
