#!/bin/sh
# A dimension with versions by hand, into an empty schema: a binary stream into an unlogged stage, and the first
# version of each member from it. Wants PSQL (the program), SOURCE and WAREHOUSE (URLs).
set -eu
"$PSQL" -Xqd "$SOURCE" -c "COPY (SELECT member_id, name, city, updated_at FROM members) TO STDOUT (FORMAT binary)" |
  "$PSQL" -Xq1 -v ON_ERROR_STOP=1 -d "$WAREHOUSE" \
    -c "CREATE UNLOGGED TABLE stage_member (member_id int, name text, city text, updated_at timestamptz)" \
    -c "COPY stage_member FROM STDIN (FORMAT binary, FREEZE)"
"$PSQL" -Xq1 -v ON_ERROR_STOP=1 -d "$WAREHOUSE" <<'SQL'
CREATE TABLE dim_member (
  member_key bigint GENERATED ALWAYS AS IDENTITY,
  member_id int, name text, city text,
  valid_from timestamptz NOT NULL, valid_to timestamptz NOT NULL, is_current boolean NOT NULL,
  changed_at timestamptz NOT NULL
);
INSERT INTO dim_member (member_id, name, city, valid_from, valid_to, is_current, changed_at)
SELECT member_id, name, city, '-infinity', 'infinity', true, updated_at FROM stage_member ORDER BY member_id;
ALTER TABLE dim_member ADD PRIMARY KEY (member_key);
CREATE UNIQUE INDEX ON dim_member (member_id) WHERE is_current;
CREATE UNIQUE INDEX ON dim_member (member_id, valid_from);
ALTER TABLE dim_member ADD CHECK (valid_from < valid_to);
CREATE TABLE watermark AS SELECT max(updated_at) AS members FROM stage_member;
DROP TABLE stage_member;
SQL
