-- By what a database is told from its copies: the cluster, the timeline of its log, and its own number in the cluster. NULL
-- where the role may not look, or the server only reads.
CREATE OR REPLACE FUNCTION database_signs(OUT system_identifier bigint, OUT timeline bigint, OUT database_oid bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT d.oid INTO database_oid FROM pg_database AS d WHERE d.datname = current_database();
    BEGIN
        SELECT s.system_identifier INTO system_identifier FROM pg_control_system() AS s;
        -- The first eight digits of the name of the log's file.
        timeline := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint;
    EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state THEN
        NULL;
    END;
END $$;
