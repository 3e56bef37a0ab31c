-- The database's time of day.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
