#!/bin/sh
# What has changed since history_full.sh or the last of these, by hand: the rows from the watermark on, which come
# in order, once for each member. Type 1 is written to all versions, type 2 closes one and begins another.
set -eu
mark=$("$PSQL" -XqAt -d "$WAREHOUSE" -c 'SELECT members FROM watermark')
"$PSQL" -Xqd "$SOURCE" -c "COPY (SELECT member_id, name, city, updated_at FROM members WHERE updated_at >= '$mark') TO STDOUT (FORMAT binary)" |
  "$PSQL" -Xq1 -v ON_ERROR_STOP=1 -d "$WAREHOUSE" \
    -c "CREATE UNLOGGED TABLE stage_member (member_id int, name text, city text, updated_at timestamptz)" \
    -c "COPY stage_member FROM STDIN (FORMAT binary, FREEZE)"
"$PSQL" -Xq1 -v ON_ERROR_STOP=1 -d "$WAREHOUSE" <<'SQL'
SET LOCAL random_page_cost = 1.1;
ANALYZE stage_member;
UPDATE dim_member AS d SET name = s.name FROM stage_member AS s
WHERE d.member_id = s.member_id AND d.name IS DISTINCT FROM s.name;
CREATE UNLOGGED TABLE moved AS
SELECT s.* FROM stage_member AS s JOIN dim_member AS d ON d.member_id = s.member_id AND d.is_current
WHERE d.city IS DISTINCT FROM s.city AND s.updated_at > d.changed_at;
UPDATE dim_member AS d SET valid_to = m.updated_at, is_current = false
FROM moved AS m WHERE d.member_id = m.member_id AND d.is_current;
INSERT INTO dim_member (member_id, name, city, valid_from, valid_to, is_current, changed_at)
SELECT member_id, name, city, updated_at, 'infinity', true, updated_at FROM moved ORDER BY member_id;
INSERT INTO dim_member (member_id, name, city, valid_from, valid_to, is_current, changed_at)
SELECT s.member_id, s.name, s.city, '-infinity', 'infinity', true, s.updated_at
FROM stage_member AS s LEFT JOIN dim_member AS d ON d.member_id = s.member_id WHERE d.member_id IS NULL;
UPDATE watermark SET members = (SELECT max(updated_at) FROM stage_member);
DROP TABLE stage_member, moved;
SQL
