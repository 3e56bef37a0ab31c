-- Identifiers by digest and holder, in the order asked; of each profile the first up to so many bytes, but always one, and
-- of all together as well. Slot is 0 for an exclusive one, else the holder: both keys are tried. OFFSET keeps the look-up
-- by key: joined, a kept plan may read the whole workspace once it has grown.
SELECT digest, profile, type, raw_value, normalized_value, added_us, seen_day, added_seq, size_bytes, found
FROM (
    SELECT *, sum(size_bytes) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) - size_bytes AS begins
    FROM (
        SELECT *, row_number() OVER own AS own_place, sum(size_bytes) OVER own AS own_bytes,
            count(*) OVER (PARTITION BY owner) AS found
        FROM (
            -- With times, keys and lengths, which are forty-eight bytes at the most.
            SELECT v.place, v.owner, uuid_send(i.digest) AS digest, i.profile, i.type, i.raw_value, i.normalized_value,
                i.added_us, i.seen_day, i.added_seq,
                octet_length(i.type) + octet_length(i.raw_value) + octet_length(i.normalized_value) + 48 AS size_bytes
            FROM unnest($2::bytea[], $3::bigint[], $4::integer[]) WITH ORDINALITY AS v (digest, holder, owner, place)
            CROSS JOIN LATERAL (
                SELECT * FROM identifiers
                WHERE workspace_key = $1 AND digest = encode(v.digest, 'hex')::uuid
                    AND slot = ANY(ARRAY[0, v.holder]) AND profile = v.holder
                OFFSET 0
            ) AS i
        ) AS sized
        WINDOW own AS (PARTITION BY owner ORDER BY place ROWS UNBOUNDED PRECEDING)
    ) AS counted
    WHERE own_bytes <= $5::bigint OR own_place = 1
) AS told
WHERE begins < $6::bigint
ORDER BY place
