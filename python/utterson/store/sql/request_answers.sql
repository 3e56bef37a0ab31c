-- What was answered to accepted calls, by the digest of their request or message id.
SELECT uuid_send(r.digest) AS digest, r.answer
FROM unnest($2::bytea[]) AS v (digest)
JOIN requests AS r ON r.workspace_key = $1 AND r.digest = encode(v.digest, 'hex')::uuid
