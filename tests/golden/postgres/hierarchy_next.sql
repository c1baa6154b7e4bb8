-- dim_user: ensure member
insert into "mart"."dim_user" as t (
  "user_key", "country", "user_id", "name", "Weird ""Name""", "settings", "old name"
)
overriding system value values (
  -2, '--'::text, '0'::integer, null::character varying, null::character varying, null::json, null::character varying
)
on conflict ("user_key") do update set
  "country" = excluded."country",
  "user_id" = excluded."user_id",
  "name" = excluded."name",
  "Weird ""Name""" = excluded."Weird ""Name""",
  "settings" = excluded."settings",
  "old name" = excluded."old name"
where (t."country" is distinct from excluded."country" or t."user_id" is distinct from excluded."user_id" or t."name" is distinct from excluded."name" or t."Weird ""Name""" is distinct from excluded."Weird ""Name""" or t."settings"::text is distinct from excluded."settings"::text or t."old name" is distinct from excluded."old name");

-- dim_user: build links
create unlogged table "engine_stage"."shop.dim_user.links" as
select m."user_key" as member, p."user_key" as parent,
  m."name" is not null and m."user_id" is not null and p."user_key" is null
    and not (m."country" = m."name" and m."user_id" = m."user_id") as orphan
from "mart"."dim_user" as m
left join "mart"."dim_user" as p on p."country" = m."name" and p."user_id" = m."user_id"
  and p."user_key" <> m."user_key"
  and p."is_current"
where m."is_current";

-- dim_user: analyze links
analyze "engine_stage"."shop.dim_user.links";

-- dim_user: count orphans
select count(*) from "engine_stage"."shop.dim_user.links" where orphan;

-- dim_user: count circles
with recursive reached as (
  select member from "engine_stage"."shop.dim_user.links" where parent is null
  union all
  select l.member from reached as r join "engine_stage"."shop.dim_user.links" as l on l.parent = r.member
)
select (select count(*) from "engine_stage"."shop.dim_user.links") - (select count(*) from reached);

-- dim_user: build closure
create unlogged table "engine_stage"."shop.dim_user.closure" as
with recursive
reached as (
  select member, parent from "engine_stage"."shop.dim_user.links" where parent is null
  union all
  select l.member, l.parent from reached as r join "engine_stage"."shop.dim_user.links" as l on l.parent = r.member
),
link as materialized (
  select l.member, r.parent, b.parent is null as is_leaf
  from "engine_stage"."shop.dim_user.links" as l
  left join reached as r on r.member = l.member
  left join (select distinct parent from reached) as b on b.parent = l.member
),
closure as (
  select member as ancestor, member as descendant, 0 as depth, parent as above, is_leaf from link
  union all
  select l.member, c.descendant, c.depth + 1, l.parent, c.is_leaf
  from closure as c join link as l on l.member = c.above
)
select ancestor as ancestor_key, descendant as descendant_key, depth, above is null as is_top, is_leaf from closure;

-- dim_user: delete closure
delete from "mart"."user_tree" as t
where not exists (
  select from "engine_stage"."shop.dim_user.closure" as c
  where c.descendant_key = t.descendant_key and c.ancestor_key = t.ancestor_key
);

-- dim_user: update closure
update "mart"."user_tree" as t set depth = c.depth, is_top = c.is_top, is_leaf = c.is_leaf
from "engine_stage"."shop.dim_user.closure" as c
where c.descendant_key = t.descendant_key and c.ancestor_key = t.ancestor_key
  and (t.depth, t.is_top, t.is_leaf) is distinct from (c.depth, c.is_top, c.is_leaf);

-- dim_user: insert closure
insert into "mart"."user_tree" (ancestor_key, descendant_key, depth, is_top, is_leaf)
select c.ancestor_key, c.descendant_key, c.depth, c.is_top, c.is_leaf
from "engine_stage"."shop.dim_user.closure" as c
left join "mart"."user_tree" as t on t.descendant_key = c.descendant_key and t.ancestor_key = c.ancestor_key
where t.descendant_key is null;

