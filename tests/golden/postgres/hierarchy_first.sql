-- dim_user: create table
create table if not exists "mart"."user_tree" (
  "ancestor_key" bigint not null,
  "descendant_key" bigint not null,
  "depth" integer not null,
  "is_top" boolean not null,
  "is_leaf" boolean not null
);

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
link as materialized (
  select l.member, l.parent, b.parent is null as is_leaf
  from "engine_stage"."shop.dim_user.links" as l
  left join (select distinct parent from "engine_stage"."shop.dim_user.links") as b on b.parent = l.member
),
closure as (
  select member as ancestor, member as descendant, 0 as depth, parent as above, is_leaf from link
  union all
  select l.member, c.descendant, c.depth + 1, l.parent, c.is_leaf
  from closure as c join "engine_stage"."shop.dim_user.links" as l on l.member = c.above
)
select ancestor as ancestor_key, descendant as descendant_key, depth, above is null as is_top, is_leaf from closure;

-- dim_user: insert closure
insert into "mart"."user_tree" (ancestor_key, descendant_key, depth, is_top, is_leaf)
select c.ancestor_key, c.descendant_key, c.depth, c.is_top, c.is_leaf
from "engine_stage"."shop.dim_user.closure" as c
left join "mart"."user_tree" as t on t.descendant_key = c.descendant_key and t.ancestor_key = c.ancestor_key
where t.descendant_key is null;

-- dim_user: add primary key
alter table "mart"."user_tree" add primary key ("descendant_key", "ancestor_key");

