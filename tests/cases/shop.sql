CREATE TABLE users (id text PRIMARY KEY, name text, city text);
CREATE TABLE sales (id bigint PRIMARY KEY, user_id text, amount numeric, at timestamptz, more json);
CREATE TABLE stamped (id int PRIMARY KEY, note text, at timestamptz);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := now(); RETURN NEW; END';
CREATE TRIGGER stamp BEFORE UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
