/**
 * Who gets a place first, and who was left alone to learn from it.
 * - `remediations_due` is made anew with what a claim asks of a row, so that rows that are passed over are not read.
 * - `remediations_urgent` and `remediations_priority_of` are empty, and cost nothing, where the policy has no `priority`.
 */
export const ORDER = `
alter table remediations add column priority integer not null default 0;
alter table remediations add column priority_of text;
alter table remediations add column held_out_until integer;
drop index remediations_due;
create index remediations_due on remediations (next_at, claim_until, updated_at, priority, state)
  where state <> 'done';
create index remediations_urgent on remediations (priority desc, next_at, claim_until, updated_at, state)
  where state <> 'done' and priority > 0;
create index remediations_priority_of on remediations (priority_of, priority)
  where state <> 'done' and priority_of is not null;
`;
