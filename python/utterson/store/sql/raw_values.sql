-- Values as they were first sent, by digest and holder. Slot and OFFSET as for identifiers.
SELECT uuid_send(i.digest) AS digest, i.profile, i.raw_value
FROM unnest($2::bytea[], $3::bigint[]) AS v (digest, holder)
CROSS JOIN LATERAL (
    SELECT digest, profile, raw_value FROM identifiers
    WHERE workspace_key = $1 AND digest = encode(v.digest, 'hex')::uuid
        AND slot = ANY(ARRAY[0, v.holder]) AND profile = v.holder
    OFFSET 0
) AS i
