-- Identifiers by digest and holder. Slot is 0 for an exclusive one, else the holder: both keys are tried. OFFSET keeps the
-- look-up by key: joined, a kept plan may read the whole workspace once it has grown.
SELECT uuid_send(i.digest) AS digest, i.profile, i.type, i.raw_value, i.normalized_value, i.added_us, i.seen_day
FROM unnest($2::bytea[], $3::bigint[]) AS v (digest, holder)
CROSS JOIN LATERAL (
    SELECT * FROM identifiers
    WHERE workspace_key = $1 AND digest = encode(v.digest, 'hex')::uuid AND slot = ANY(ARRAY[0, v.holder]) AND profile = v.holder
    OFFSET 0
) AS i
