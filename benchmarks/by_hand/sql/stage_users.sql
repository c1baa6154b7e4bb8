CREATE UNLOGGED TABLE stage_users (
    user_id integer, name varchar(100), email varchar(200), city varchar(100), created_at timestamp,
    updated_at timestamptz
);
