-- Gives a workspace's number where it is still the workspace that was meant, in the database that was meant: a copy that was
-- restored may have another one under the number, or none. The number alone proves nothing.
CREATE OR REPLACE FUNCTION prove_workspace(p_workspace_key bigint, p_identity bytea) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM FROM workspaces WHERE workspace_key = p_workspace_key AND genesis_id || database_id = p_identity;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'UT002', MESSAGE = 'the workspace is another one, or gone';
    END IF;
    RETURN p_workspace_key;
END $$;
