-- Policies that are not as the log tells: its first entry of a revision is the one that made it, at the same time, and
-- where the effects of that entry are kept they end with the very bytes, behind their length as protobuf writes it. Of
-- the first policy the log has no effects.
SELECT count(*)
FROM (
    SELECT policy_revision, min(seq) AS seq, min(commit_time_us) AS commit_time_us
    FROM log WHERE workspace_key = $1 GROUP BY policy_revision
) AS l
FULL JOIN (
    SELECT *, octet_length(policy) AS bytes FROM policies WHERE workspace_key = $1
) AS p USING (policy_revision)
CROSS JOIN LATERAL (
    SELECT decode(
        CASE
            WHEN bytes < 1 << 7 THEN lpad(to_hex(bytes), 2, '0')
            WHEN bytes < 1 << 14 THEN to_hex(bytes & 127 | 128) || lpad(to_hex(bytes >> 7), 2, '0')
            WHEN bytes < 1 << 21 THEN to_hex(bytes & 127 | 128) || to_hex(bytes >> 7 & 127 | 128)
                || lpad(to_hex(bytes >> 14), 2, '0')
            ELSE to_hex(bytes & 127 | 128) || to_hex(bytes >> 7 & 127 | 128) || to_hex(bytes >> 14 & 127 | 128)
                || lpad(to_hex(bytes >> 21), 2, '0')
        END, 'hex'
    ) AS length
) AS v
LEFT JOIN log_payload AS k
    ON k.workspace_key = $1 AND k.seq = l.seq AND k.commit_time_us = l.commit_time_us
WHERE p.seq IS DISTINCT FROM l.seq
    OR p.create_time_us IS DISTINCT FROM l.commit_time_us
    OR substring(
        k.payload FROM octet_length(k.payload) - octet_length(p.policy) - octet_length(v.length) + 1
    ) <> v.length || p.policy
