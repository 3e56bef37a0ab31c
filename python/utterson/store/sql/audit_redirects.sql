-- Profiles that were joined into one that is not there or not older: only so can redirects lead in a circle.
SELECT count(*) FROM profiles AS p
WHERE p.workspace_key = $1 AND p.merged_into <> 0
    AND (
        p.merged_into >= p.serial
        OR NOT EXISTS (SELECT FROM profiles AS s WHERE s.workspace_key = $1 AND s.serial = p.merged_into)
    )
