-- Items keep the state of the plan, so that everybody can compute the hash of a plan again after its run. Ends of rollouts
-- take no longer with more users. A line with an arrow alone separates statements.

alter table mfa_rollout_item
  add column planned_state text,
  -- Why the plan blocks the user or holds them at risk.
  add column planned_code text;
-->
-- A run has overwritten the state of older items that it came to.
update mfa_rollout_item set
  planned_state = case when attempt = 0 and settled_at is null then state else 'will_change' end,
  planned_code = case when attempt = 0 and settled_at is null then code end;
-->
alter table mfa_rollout_item alter column planned_state set not null;
-->
create function note_planned_state() returns trigger language plpgsql as $$
begin
  new.planned_state := new.state;
  new.planned_code := new.code;
  return new;
end
$$;
-->
create trigger mfa_rollout_item_plans before insert on mfa_rollout_item
  for each row execute function note_planned_state();
-->
create trigger mfa_rollout_item_state_planned before update of planned_state, planned_code on mfa_rollout_item for each row
  when (old.planned_state is distinct from new.planned_state or old.planned_code is distinct from new.planned_code)
  execute function refuse_to_alter_plan();
-->
-- A role or database that presets session_replication_role = replica would turn them off otherwise.
alter table mfa_rollout_item
  enable always trigger mfa_rollout_item_plans, enable always trigger mfa_rollout_item_state_planned;
-->
-- Ends a rollout. The gateway frees its users afterwards, by statements of a few thousand users each. As in 0016, it writes
-- with the rights of its owner, in this schema and no other.
create or replace function end_rollout(p_rollout uuid, p_status text, p_code text, p_hint text) returns void
language sql as $$
  update mfa_rollout set
    status = p_status, code = p_code, cam_code = null, hint = p_hint, finished_at = clock_timestamp(),
    wave_held_until = null, wave_awaits_release = false
  where id = p_rollout;
$$;
-->
do $$
begin
  execute format('alter function end_rollout security definer set search_path = %I, pg_temp', current_schema());
  revoke execute on function end_rollout from public;
end
$$;
