-- What was answered to accepted calls, by the digest of their request or message id.
SELECT digest, answer FROM requests WHERE workspace_key = $1 AND digest = ANY($2::bytea[])
