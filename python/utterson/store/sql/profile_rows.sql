-- When some profiles were made.
SELECT serial, create_time_us FROM profiles WHERE workspace_key = $1 AND serial = ANY($2::bigint[])
