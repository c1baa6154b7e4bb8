CREATE TABLE dim_users (
    user_key bigint GENERATED ALWAYS AS IDENTITY NOT NULL, user_id integer, name varchar(100),
    email text, email_domain text, city varchar(100), created_at timestamp
);

INSERT INTO dim_users (user_id, name, email, email_domain, city, created_at)
SELECT user_id, name, lower(email), split_part(lower(email), '@', 2), coalesce(city, 'Unknown'),
       created_at
FROM stage_users
ORDER BY user_id;

INSERT INTO dim_users (user_key, name, city) OVERRIDING SYSTEM VALUE VALUES (-1, 'Unknown', 'Unknown');
ALTER TABLE dim_users ADD PRIMARY KEY (user_key);
CREATE UNIQUE INDEX ON dim_users (user_id);
