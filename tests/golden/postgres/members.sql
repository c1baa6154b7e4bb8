-- : read types
select a.attname, format_type(a.atttypid, a.atttypmod)
from pg_attribute as a
where a.attrelid = to_regclass('"public"."dim_user"') and a.attnum > 0 and not a.attisdropped;

-- : read version
select coalesce((select concat_ws('.', d.run_id, to_regclass('"public"."dim_user"')::oid, pg_relation_filenode(to_regclass('"public"."dim_user"'))) from engine.dimension as d where d.schema_name = 'public' and d.table_name = 'dim_user'), '') as version, coalesce((select d.changed_at < clock_timestamp() - interval '60 s' from engine.dimension as d where d.schema_name = 'public' and d.table_name = 'dim_user'), true) as settled;

-- : read content
select count(*) || ':' || coalesce(sum(hash_record_extended(t, 0)), 0) as content
from "public"."dim_user" as t;

-- : read members
select coalesce((select concat_ws('.', d.run_id, to_regclass('"public"."dim_user"')::oid, pg_relation_filenode(to_regclass('"public"."dim_user"'))) from engine.dimension as d where d.schema_name = 'public' and d.table_name = 'dim_user'), '') as version, coalesce((select d.changed_at < clock_timestamp() - interval '60 s' from engine.dimension as d where d.schema_name = 'public' and d.table_name = 'dim_user'), true) as settled,
  m.ordinal, m.natural_key, m.member
from (select 1) as always
left join (
  select w.ordinal, array[t."country"::text, t."user id"::text] as natural_key,
    (select row_to_json(r) from (select t."user_key", t."country", t."user id") as r)::text as member
  from (values (0, 'be''lgium'::text, '1'::integer), (1, 'nl'::text, '2'::integer)) as w(ordinal, k0, k1)
  join "public"."dim_user" as t on t."country" = w.k0 and t."user id" = w.k1
) as m on true;

-- : read changed
select array[t."country"::text, t."user id"::text] as natural_key,
  (select row_to_json(r) from (select t."user_key", t."country", t."user id") as r)::text as member
from "public"."dim_user" as t
where t.xmin = '123'::xid and t."country" is not null and t."user id" is not null;

