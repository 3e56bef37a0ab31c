SELECT digest, profile, type, added_us, seen_day, (slot = 0) AS exclusive FROM identifiers WHERE workspace_key = $1
