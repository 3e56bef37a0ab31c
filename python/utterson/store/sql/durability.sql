-- What the durability promise rests on.
SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit, current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS in_recovery, current_setting('server_version_num')::integer AS version,
    pg_postmaster_start_time() AS start_time, current_setting('synchronous_standby_names') <> '' AS is_replicated
