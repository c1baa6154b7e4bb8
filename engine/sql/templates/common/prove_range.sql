select case
  when not exists (select from {{ step.stage | table }} where "$reject" is null)
    and exists (select from {{ step.table | table }} as t where {{ step.within | within("t") }})
  then 1 else 0
end
