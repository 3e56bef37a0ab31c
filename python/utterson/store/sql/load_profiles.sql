SELECT serial, create_time_us, source, imported_merges, merged_into FROM profiles WHERE workspace_key = $1 ORDER BY serial
