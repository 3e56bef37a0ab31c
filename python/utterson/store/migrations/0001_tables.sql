-- The tables. All are keyed by workspace first, so that they shard by workspace.
-- Times are microseconds since 1970, days are days since 1970, digests and entry ids 16 bytes, state hashes 48 bytes.

CREATE TABLE workspaces (
    workspace text COLLATE "C" PRIMARY KEY,
    workspace_key bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    digest_key bytea NOT NULL CHECK (octet_length(digest_key) = 16),
    id_key bytea NOT NULL CHECK (octet_length(id_key) = 16),
    -- Writers of an older log format are turned away (raised by hand once a whole fleet is upgraded).
    format_version_min integer NOT NULL DEFAULT 1,
    create_time_us bigint NOT NULL
);

CREATE TABLE policies (
    workspace_key bigint NOT NULL,
    policy_revision integer NOT NULL,
    policy bytea NOT NULL,
    seq bigint NOT NULL,
    create_time_us bigint NOT NULL,
    PRIMARY KEY (workspace_key, policy_revision)
);

-- The slim chain: insert only, no personal values.
CREATE TABLE log (
    workspace_key bigint NOT NULL,
    seq bigint NOT NULL,
    id bytea NOT NULL CHECK (octet_length(id) = 16),
    prev bytea NOT NULL CHECK (octet_length(prev) = 16),
    policy_revision integer NOT NULL,
    commit_time_us bigint NOT NULL,
    state_hash bytea NOT NULL CHECK (octet_length(state_hash) = 48),
    format_version integer NOT NULL,
    PRIMARY KEY (workspace_key, seq)
);

-- The effects, with personal values: dropped by age, a day's partition at a time. A unique key would have to hold
-- the partition column, so this one cannot guard (workspace_key, seq): the slim chain does.
CREATE TABLE log_payload (
    workspace_key bigint NOT NULL,
    seq bigint NOT NULL,
    commit_time_us bigint NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (workspace_key, seq, commit_time_us)
) PARTITION BY RANGE (commit_time_us);

CREATE TABLE log_payload_default PARTITION OF log_payload DEFAULT;

CREATE TABLE profiles (
    workspace_key bigint NOT NULL,
    serial bigint NOT NULL,
    create_time_us bigint NOT NULL,
    source bigint NOT NULL,
    merges integer NOT NULL,
    merged_into bigint NOT NULL DEFAULT 0 CHECK (merged_into <> serial),
    PRIMARY KEY (workspace_key, serial)
) WITH (fillfactor = 90);

-- Slot 0 = held exclusively, else the holder's serial: the key itself enforces one owner.
CREATE TABLE identifiers (
    workspace_key bigint NOT NULL,
    digest bytea NOT NULL,
    slot bigint NOT NULL,
    profile bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    normalized_value text COLLATE "C" NOT NULL,
    raw_value text COLLATE "C" NOT NULL,
    added_us bigint NOT NULL,
    seen_day integer NOT NULL,
    PRIMARY KEY (workspace_key, digest, slot),
    CHECK (slot = 0 OR slot = profile)
) WITH (fillfactor = 90);

CREATE TABLE traits (
    workspace_key bigint NOT NULL,
    profile bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    value bytea,
    time_us bigint NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (workspace_key, profile, name)
) WITH (fillfactor = 90);

CREATE TABLE events (
    workspace_key bigint NOT NULL,
    profile bigint NOT NULL,
    time_us bigint NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (workspace_key, profile, time_us, seq, position)
);

CREATE TABLE history (
    workspace_key bigint NOT NULL,
    profile bigint NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (workspace_key, profile, seq, position)
);

CREATE TABLE requests (
    workspace_key bigint NOT NULL,
    digest bytea NOT NULL,
    fingerprint bytea NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    commit_time_us bigint NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (workspace_key, digest)
);

CREATE INDEX requests_commit_time ON requests USING brin (commit_time_us) WITH (pages_per_range = 32);
