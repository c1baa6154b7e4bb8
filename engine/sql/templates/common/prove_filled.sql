select case when exists (select from {{ step.stage | table }} where "$reject" is null{% if step.held %} and "$held" is null{% endif %}) then 0 else 1 end
