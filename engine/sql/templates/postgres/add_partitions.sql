do $partitions$
declare
  period record;
begin
  for period in
    select distinct
      date_trunc({{ step.every | literal }}, v."$time")::date as low,
      (date_trunc({{ step.every | literal }}, v."$time") + {{ ("1 " ~ step.every) | literal }}::interval)::date as high
    from (
      select {{ step.by | column("r") }}::timestamp with time zone as "$time" from {{ step.rows | rows | inside }} as r
    ) as v
{% if step.present %}
    left join (values
{% for low, high in step.present %}
      ({{ low | literal }}::date, {{ high | literal }}::date){% if not loop.last %},{% endif %}

{% endfor %}
    ) as p (low, high) on v."$time" >= p.low and v."$time" < p.high
    where p.low is null
{% endif %}
    order by 1
  loop
    execute format(
      'create table %I.%I partition of %I.%I for values from (%L) to (%L)',
      {{ step.table.schema | literal }}, {{ step.prefix | literal }} || to_char(period.low, {{ step.every | digits }}),
      {{ step.table.schema | literal }}, {{ step.table.name | literal }}, period.low, period.high
    );
  end loop;
end
$partitions$
