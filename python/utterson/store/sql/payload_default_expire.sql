-- The same for payload that found no partition of its day.
DELETE FROM log_payload_default WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM log_payload_default WHERE commit_time_us < $1 LIMIT $2
))
