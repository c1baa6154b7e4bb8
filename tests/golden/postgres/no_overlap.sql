-- dim_user: add exclusion
alter table "mart"."dim_user" add constraint "dim_user_no_overlap" exclude using gist (
int4range("user_id", "user_id", '[]') with =,
  tstzrange("valid_from", "valid_to") with &&
) where ("user_key" > 0) deferrable initially deferred;

-- dim_user: add exclusion
alter table "mart"."dim_user" add constraint "dim_user_no_overlap" exclude using gist (
"user_id" with =,
  tstzrange("valid_from", "valid_to") with &&
) where ("user_key" > 0) deferrable initially deferred;

