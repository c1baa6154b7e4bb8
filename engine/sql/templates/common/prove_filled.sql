select case when exists (select from {{ step.stage | table }} where "$reject" is null) then 0 else 1 end
