-- Per profile and name the newest value over all the profile's members (rule M8). OFFSET keeps the look-up by key, as for
-- identifiers.
SELECT DISTINCT ON (m.serial, t.name) m.serial, t.name, t.value
FROM unnest($2::bigint[], $3::bigint[]) AS m (serial, member)
CROSS JOIN LATERAL (SELECT * FROM traits WHERE workspace_key = $1 AND profile = m.member OFFSET 0) AS t
ORDER BY m.serial, t.name, t.time_us DESC, t.seq DESC, t.position DESC
