-- Identifiers by digest and holder. Slot is 0 for an exclusive one, else the holder: both keys are tried.
SELECT uuid_send(i.digest) AS digest, i.profile, i.type, i.raw_value, i.normalized_value, i.added_us, i.seen_day
FROM unnest($2::bytea[], $3::bigint[]) AS v (digest, holder)
JOIN identifiers AS i
    ON i.workspace_key = $1 AND i.digest = encode(v.digest, 'hex')::uuid AND i.slot = ANY(ARRAY[0, v.holder]) AND i.profile = v.holder
