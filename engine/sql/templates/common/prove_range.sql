select case
  when not exists (select from {{ step.stage | table }} where "$reject" is null{% if step.held %} and "$held" is null{% endif %})
    and exists (select from {{ step.table | table }} as t where {{ step.within | within("t") }})
  then 1 else 0
end
