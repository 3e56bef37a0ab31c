-- When some persons were first seen: of each the earliest time at which one of its members was made.
SELECT m.owner, min(p.create_time_us) AS create_time_us
FROM unnest($2::integer[], $3::bigint[]) AS m (owner, member)
CROSS JOIN LATERAL (
    SELECT create_time_us FROM profiles WHERE workspace_key = $1 AND serial = m.member OFFSET 0
) AS p
GROUP BY m.owner
