#!/bin/sh
# For the container of docker-compose.yml: the role with which the engine reads. It may do nothing else.
set -eu
/opt/stack/make-role "$READER" /run/secrets/source_password
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set reader="$READER" --set database="$POSTGRES_DB" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"reader";
ALTER ROLE :"reader" SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA public TO :"reader";
GRANT SELECT ON ALL TABLES IN SCHEMA public TO :"reader";
-- Tables that are made later can be read too.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO :"reader";
-- To see which transactions are open, and so what is settled.
GRANT pg_read_all_stats TO :"reader";
SQL
touch "$PGDATA/filled"
