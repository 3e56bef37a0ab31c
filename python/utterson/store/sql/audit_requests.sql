-- Request ids that a load cannot read, or that are of no entry of the log.
SELECT count(*) FROM requests AS r
WHERE r.workspace_key = $1
    AND (
        octet_length(r.fingerprint) <> 16
        OR r.position < 0
        OR NOT EXISTS (
            SELECT FROM log AS l
            WHERE l.workspace_key = $1 AND l.seq = r.seq AND l.commit_time_us = r.commit_time_us
        )
    )
