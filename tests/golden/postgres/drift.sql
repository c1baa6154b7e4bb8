-- dim_user: compare member
select case when exists (
  select from "mart"."dim_user" as t
  where t."user_key" = -1
    and not (t."country" is distinct from null::text)
    and not (t."user_id" is distinct from null::integer)
    and not (t."name" is distinct from 'Unknown'::character varying)
    and not (t."Weird ""Name""" is distinct from null::character varying)
    and not (t."settings"::text is distinct from null::json::text)
) then 0 else 1 end;

-- dim_user: compare member
select case when exists (
  select from "mart"."dim_user" as t
  where t."user_key" = -2
    and not (t."country" is distinct from '--'::text)
    and not (t."user_id" is distinct from '0'::integer)
    and not (t."name" is distinct from null::character varying)
    and not (t."Weird ""Name""" is distinct from null::character varying)
    and not (t."settings"::text is distinct from null::json::text)
) then 0 else 1 end;

