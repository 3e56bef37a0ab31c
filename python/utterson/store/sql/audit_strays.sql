-- Identifiers of profiles that are not there.
SELECT count(*) FROM identifiers AS i
WHERE i.workspace_key = $1
    AND NOT EXISTS (SELECT FROM profiles AS p WHERE p.workspace_key = $1 AND p.serial = i.profile)
