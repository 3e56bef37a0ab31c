-- No row is touched: the index that stands there gets the name of the key.
ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey,
    ADD CONSTRAINT identifiers_pkey PRIMARY KEY USING INDEX identifiers_by_profile
