#!/bin/sh
# For the container of docker-compose.yml: the role with which the engine writes. It owns the star and the
# ledger, and nothing else; it cannot make schemas, so those of the ledger and of the stages are made here.
set -eu
/opt/stack/make-role "$WRITER" /run/secrets/warehouse_password
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set writer="$WRITER" --set database="$POSTGRES_DB" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"writer";
GRANT USAGE, CREATE ON SCHEMA public TO :"writer";
CREATE SCHEMA engine AUTHORIZATION :"writer";
CREATE SCHEMA engine_stage AUTHORIZATION :"writer";
-- The tables of 01-schema.sql were made by the superuser, and only an owner may alter a table.
SELECT format('ALTER TABLE %I.%I OWNER TO %I', schemaname, tablename, :'writer')
FROM pg_tables WHERE schemaname = 'public' \gexec
SQL
touch "$PGDATA/filled"
