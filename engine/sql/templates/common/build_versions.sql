{% set early = step.line.infers and not step.fresh %}
create unlogged table {{ step.line.versions | table }} as
with event as (
  select * from {{ step.rows | rows }} as v
),
{% if not step.fresh %}
present as (
  select t.* from {{ step.line.table | table }} as t
  join (select distinct {{ step.line.match | columns }} from event) as touched on {{ step.line.match | equal("t", "touched") }}
  where {{ step.line.key | column("t") }} > 0
),
{% endif %}
{% if early %}
inferred as (
  select {{ step.line.match | columns("e") }}, min({{ step.time | column("e") }}) as {{ step.time | ident }}, max({{ step.line.key | column("t") }}) as "$inferred"
  from event as e
  join present as t on {{ step.line.match | equal("t", "e") }}
  where t.is_inferred
  group by {{ step.line.match | columns("e") }}
),
{% endif %}
point as (
  select {{ step.carried | columns }}, {{ step.time | ident }} as "$at", {% if early %}"$inferred"{% else %}null::bigint{% endif %} as "$key", 1 as "$read", 2 as "$rank"
  from event{% if early %} left join inferred using ({{ step.line.match | columns }}, {{ step.time | ident }}){% endif %}

{% if not step.fresh %}
  union all
  select {{ step.carried | columns }}, changed_at, {{ step.line.key | ident }}, 0, 1 from present{% if early %} where not is_inferred{% endif %}

  union all
  select {{ step.carried | columns }}, confirmed_at, null, 0, 0 from present where confirmed_at > changed_at{% if early %} and not is_inferred{% endif %}

{% endif %}
),
moment as (
  select distinct on ({{ step.line.match | columns }}, "$at")
{% for name in step.carried %}
{% if name in step.first_value %}
    first_value({{ name | ident }}) over (partition by {{ step.line.match | columns }} order by "$rank" = 2, "$at") as {{ name | ident }},
{% else %}
    {{ name | ident }},
{% endif %}
{% endfor %}
    "$at",
    max("$key") over (partition by {{ step.line.match | columns }}, "$at") as "$key",
    sum("$read") over (partition by {{ step.line.match | columns }}, "$at") as "$read"
  from point
  order by {{ step.line.match | columns }}, "$at", "$rank" desc
),
{% if step.line.closes %}
death as (
  select distinct {{ step.line.match | columns }}, deleted_at from present where deleted_at is not null
),
lived as (
  select m.*, (
    select count(*) from death as d where {{ step.line.match | equal("d", "m") }} and d.deleted_at <= m."$at"
  ) as "$life"
  from moment as m
),
{% endif %}
changed as (
  select *,
    case when lag("$at") over line is null{% if step.line.closes %} or "$life" <> lag("$life") over line{% endif %} or {{ step.tracked | differs(step.types, "line") }} then 1 else 0 end as "$change"
  from {% if step.line.closes %}lived{% else %}moment{% endif %}

  window line as (partition by {{ step.line.match | columns }} order by "$at")
),
run as (
  select *, sum("$change") over (partition by {{ step.line.match | columns }} order by "$at") as "$run" from changed
),
part as (
  select *, greatest(1, count("$key") over (partition by {{ step.line.match | columns }}, "$run" order by "$at")) as "$part" from run
),
version as (
  select distinct on ({{ step.line.match | columns }}, "$run", "$part")
{% for name in step.plain %}
    {{ name | ident }},
{% endfor %}
{% for name in step.first_value %}
    {{ name | ident }},
{% endfor %}
{% for name in step.all_versions %}
    first_value({{ name | ident }}) over (partition by {{ step.line.match | columns }} order by "$at" desc) as {{ name | ident }},
{% endfor %}
    min("$at") over whole as changed_at,
    max("$at") over whole as confirmed_at,
    max("$key") over whole as "$key",
    sum("$read") over whole as "$read"
  from part
  window whole as (partition by {{ step.line.match | columns }}, "$run", "$part")
  order by {{ step.line.match | columns }}, "$run", "$part", "$at" desc
)
{% if step.line.closes %}
, ended as (
  select v.*, (
    select min(d.deleted_at) from death as d
    where {{ step.line.match | equal("d", "v") }} and d.deleted_at > v.changed_at
  ) as "$death"
  from version as v
)
{% endif %}
{% if step.befores %}
, before as (
  select v.*
{% for each in step.befores %}
{% if step.fresh %}
    , lag({{ each.of | column("v") }}) over line as {{ each.before | ident }}
{% else %}
    , case when lag(v.changed_at) over line is not null then lag({{ each.of | column("v") }}) over line
      when {{ each.of | changed(each.name, step.types, "v", "t") }} then {{ each.name | column("t") }} end as {{ each.before | ident }}
{% endif %}
{% endfor %}
  from {% if step.line.closes %}ended{% else %}version{% endif %} as v
{% if not step.fresh %}
  left join present as t on {{ step.line.key | column("t") }} = v."$key"
{% endif %}
  window line as (partition by {{ step.line.match | columns("v") }} order by v.changed_at)
),
stretch as (
  select *
{% for each in step.befores %}
    , count(*) filter (where {{ each.of | changed(each.before, step.types, "") }}) over line as {{ each.stretch | ident }}
{% endfor %}
  from before
  window line as (partition by {{ step.line.match | columns }} order by changed_at)
)
{% endif %}
{% if not step.fresh %}
, wanted as (
{% endif %}
select v.*,
{% for each in step.befores %}
  first_value({{ each.before | ident }}) over (partition by {{ step.line.match | columns }}, {{ each.stretch | ident }} order by changed_at) as {{ each.name | ident }},
{% endfor %}
  {% if step.since_ever %}case when lag(changed_at) over line is null then '-infinity' else changed_at end{% else %}changed_at{% endif %} as valid_from,
{% if step.line.closes %}
  least(lead(changed_at) over line, "$death", 'infinity') as valid_to,
  case when "$death" <= coalesce(lead(changed_at) over line, 'infinity') then "$death" end as deleted_at,
  lead(changed_at) over line is null and "$death" is null as is_current
from {% if step.befores %}stretch{% else %}ended{% endif %} as v
{% else %}
  coalesce(lead(changed_at) over line, 'infinity') as valid_to,
  lead(changed_at) over line is null as is_current
from {% if step.befores %}stretch{% else %}version{% endif %} as v
{% endif %}
window line as (partition by {{ step.line.match | columns }} order by changed_at)
{% if not step.fresh %}
)
select w.*,
  t.valid_from is distinct from w.valid_from or t.valid_to is distinct from w.valid_to as "$closed",
  {{ step.corrected | distinct(step.types, "t", "w") }} as "$corrected",
  {{ step.written | distinct(step.types, "t", "w") }} as "$written"
from wanted as w
left join present as t on {{ step.line.key | column("t") }} = w."$key"
{% endif %}
