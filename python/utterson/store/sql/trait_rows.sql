-- Per profile and name the newest value over all the profile's members (rule M8).
SELECT DISTINCT ON (m.serial, t.name) m.serial, t.name, t.value
FROM unnest($2::bigint[], $3::bigint[]) AS m (serial, member)
JOIN traits AS t ON t.workspace_key = $1 AND t.profile = m.member
ORDER BY m.serial, t.name, t.time_us DESC, t.seq DESC, t.position DESC
