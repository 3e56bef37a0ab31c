SELECT digest, profile, type, normalized_value, added_us FROM identifiers WHERE workspace_key = $1
