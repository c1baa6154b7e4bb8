-- dim_user: create role
create or replace view "mart"."dim_seller" as
select d."user_key" as "seller_key", d."country", d."user_id", d."name", d."Weird ""Name""", d."settings"
from "mart"."dim_user" as d;

-- dim_user: describe role
comment on view "mart"."dim_seller" is 'A role of dim_user in the star shop: Who sold it';

-- dim_user: drop role
drop view if exists "mart"."dim_seller";

-- dim_user: create role
create or replace view "mart"."dim_seller" as
select d."user_key" as "seller_key", d."country", d."user_id", d."name", d."Weird ""Name""", d."settings"
from "mart"."dim_user" as d;

-- dim_user: describe role
comment on view "mart"."dim_seller" is 'A role of dim_user in the star shop: Who sold it';

