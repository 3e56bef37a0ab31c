-- How far the index is, whoever builds it. A step counts pages, rows or those that it waits for.
SELECT phase, coalesce(nullif(tuples_done, 0), nullif(blocks_done, 0), lockers_done) AS done,
    coalesce(nullif(tuples_total, 0), nullif(blocks_total, 0), lockers_total) AS expected
FROM pg_stat_progress_create_index WHERE datname = current_database() AND relid = 'identifiers'::regclass
