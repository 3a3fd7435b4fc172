-- Rollouts: changes of many users by a plan. Times are the database's clock. A line with an arrow alone separates
-- statements.

-- The steps that the status of a rollout may take. A new rollout is `planning`.
create table mfa_rollout_step (
  from_status text not null,
  to_status text not null,
  primary key (from_status, to_status)
);
-->
insert into mfa_rollout_step (from_status, to_status) values
  ('planning', 'planned'), ('planning', 'plan_failed'), ('planning', 'cancelled'),
  ('planned', 'awaiting_approval'), ('planned', 'running'), ('planned', 'cancelled'), ('planned', 'expired'),
  ('awaiting_approval', 'running'), ('awaiting_approval', 'cancelled'), ('awaiting_approval', 'expired'),
  ('running', 'paused'), ('running', 'stopped'), ('running', 'done'), ('running', 'cancelled'),
  ('paused', 'running'), ('paused', 'stopped'), ('paused', 'done'), ('paused', 'cancelled');
-->
create table mfa_rollout (
  -- Sorts by time.
  id uuid primary key default uuid_v7(),
  name text not null,
  reason text not null,
  status text not null default 'planning' check (status in (
    'planning', 'plan_failed', 'planned', 'awaiting_approval', 'running', 'paused', 'stopped', 'done', 'cancelled',
    'expired'
  )),
  -- Why it failed, stopped or was paused or cancelled: the gateway's code, CAM's code, and words for people.
  code text,
  cam_code text,
  hint text,
  -- The selection, the wanted protections and the options, as the caller gave them.
  input jsonb not null,
  -- The accounts that it concerns: those of the selection, or of the rollout that it undoes.
  accounts text[] not null check (cardinality(accounts) > 0),
  -- The rollout whose applied items it takes back.
  undo_of uuid references mfa_rollout,
  -- Who planned it. A person is a subject in one spelling (src/auth/subject.ts).
  caller_subject text not null,
  caller_person text not null,
  caller_client text,
  caller_issuer text,
  caller_scopes text[] not null,
  request_id text not null,
  created_at timestamptz not null default clock_timestamp(),
  -- The replica that plans. Another one takes over when its lease ends.
  plan_owner text,
  plan_lease_until timestamptz,
  plan_attempts integer not null default 0,
  -- The plan: SHA-256 of the policy file that it was judged by, and of the plan (src/rollouts/plan-hash.ts).
  policy_hash text,
  plan_hash text,
  planned_at timestamptz,
  -- The end of the time in which the plan can be started.
  expires_at timestamptz,
  -- The error budget, as a number of users.
  max_failures integer check (max_failures >= 0),
  -- The shortest time for an approval, among the rules that ask for one. Null: no item's rule asks for one.
  approval_minutes integer check (approval_minutes > 0),
  price jsonb,
  -- The run. Who started it is who planned it; the scopes are those at the start.
  started_scopes text[],
  started_at timestamptz,
  finished_at timestamptz,
  -- The wave whose items may begin, from 1. The next one waits until this time, or for a person.
  wave integer,
  wave_held_until timestamptz,
  wave_awaits_release boolean not null default false,
  -- The approval by another person.
  approval_requested_at timestamptz,
  approval_expires_at timestamptz,
  decision text check (decision in ('approved', 'rejected', 'withdrawn')),
  decided_at timestamptz,
  decided_by_subject text,
  decided_by_person text,
  decided_by_client text,
  decided_by_issuer text,
  decided_by_scopes text[],
  decision_request_id text,
  decision_reason text,
  constraint mfa_rollout_plan_is_whole check (num_nulls(plan_hash, planned_at, expires_at, max_failures) in (0, 4)),
  constraint mfa_rollout_is_planned check (status in ('planning', 'plan_failed', 'cancelled') or plan_hash is not null),
  constraint mfa_rollout_started_is_planned check (started_at is null or plan_hash is not null),
  constraint mfa_rollout_runs_once_started check (
    status not in ('running', 'paused', 'stopped', 'done') or started_at is not null
  ),
  constraint mfa_rollout_decision_is_whole check (
    num_nulls(decision, decided_at, decided_by_subject, decided_by_person, decision_request_id) in (0, 5)
  ),
  constraint mfa_rollout_decision_was_awaited check (decision is null or approval_requested_at is not null),
  constraint mfa_rollout_approved_by_another check (
    decision is distinct from 'approved' or decided_by_person <> caller_person
  ),
  -- A rollout that needs another person runs only with that person's approval.
  constraint mfa_rollout_needs_approval check (
    approval_requested_at is null or started_at is null or decision is not distinct from 'approved'
  )
);
-->
create index mfa_rollout_by_status on mfa_rollout (status, id desc);
-->
create index mfa_rollout_under_way on mfa_rollout (status) where finished_at is null;
-->
-- The users of a rollout, in the order of the plan. An item with a wave is to be changed. The others are shown only.
create table mfa_rollout_item (
  rollout_id uuid not null references mfa_rollout,
  item integer not null check (item > 0),
  -- Null for a Uin of the selection that several accounts could have had, and none has.
  account text,
  op_uin text not null,
  name text,
  -- Both protections when planned: {"login": {"phone": true, …}, "action": {…}, "asOf": …}. Unreported methods are left
  -- out. Null: not known.
  before_image jsonb,
  -- The full flag sets to send: {"login": {"phone": true, "stoken": false, "wechat": false}}. Null if nothing would be.
  sent jsonb,
  state text not null check (state in (
    'will_change', 'already_so', 'blocked', 'at_risk', 'excused', 'changing', 'unknown', 'applied', 'failed',
    'changed_since'
  )),
  -- Why it is blocked, at risk or failed: the gateway's code, CAM's code, and words for people.
  code text,
  cam_code text,
  why text,
  wave integer check (wave > 0),
  -- The attempt of the run, and its change.
  attempt integer not null default 0,
  change_id uuid,
  lease_owner text,
  lease_until timestamptz,
  settled_at timestamptz,
  -- Whether an open rollout keeps the user from others.
  held boolean not null default false,
  -- The read after the run, as before_image.
  read_back jsonb,
  read_back_at timestamptz,
  primary key (rollout_id, item),
  unique (rollout_id, account, op_uin),
  check (wave is null or (account is not null and before_image is not null and sent is not null))
);
-->
create index mfa_rollout_item_by_state on mfa_rollout_item (rollout_id, state, item);
-->
-- What a lane takes next.
create index mfa_rollout_item_to_do on mfa_rollout_item (rollout_id, account, wave, item)
  where wave is not null and settled_at is null;
-->
-- Only one open rollout may hold a user.
create unique index mfa_rollout_item_held on mfa_rollout_item (account, op_uin) where held;
-->
create index mfa_rollout_item_by_change on mfa_rollout_item (change_id) where change_id is not null;
-->
create function guard_mfa_rollout() returns trigger language plpgsql as $$
begin
  if new.status <> old.status and not exists (
    select from mfa_rollout_step s where s.from_status = old.status and s.to_status = new.status
  ) then
    raise exception 'a rollout that is % does not become %', old.status, new.status using errcode = 'check_violation';
  end if;
  if (new.id, new.name, new.reason, new.input, new.accounts, new.caller_subject, new.caller_person, new.caller_scopes,
      new.request_id, new.created_at)
      is distinct from (old.id, old.name, old.reason, old.input, old.accounts, old.caller_subject, old.caller_person,
      old.caller_scopes, old.request_id, old.created_at)
    or new.undo_of is distinct from old.undo_of or new.caller_client is distinct from old.caller_client
    or new.caller_issuer is distinct from old.caller_issuer
  then
    raise exception 'the request of a rollout does not change' using errcode = 'restrict_violation';
  end if;
  if old.status <> 'planning' and (new.policy_hash is distinct from old.policy_hash
    or new.plan_hash is distinct from old.plan_hash or new.planned_at is distinct from old.planned_at
    or new.expires_at is distinct from old.expires_at or new.max_failures is distinct from old.max_failures
    or new.approval_minutes is distinct from old.approval_minutes)
  then
    raise exception 'a plan does not change' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
-->
create trigger mfa_rollout_guard before update on mfa_rollout for each row execute function guard_mfa_rollout();
-->
-- A new rollout begins at its first step.
create function guard_new_mfa_rollout() returns trigger language plpgsql as $$
begin
  if new.status <> 'planning' or new.plan_hash is not null or new.started_at is not null then
    raise exception 'a new rollout is planning' using errcode = 'check_violation';
  end if;
  return new;
end
$$;
-->
create trigger mfa_rollout_begins before insert on mfa_rollout
  for each row execute function guard_new_mfa_rollout();
-->
-- Items come while their rollout is planning, and go then or if it never started.
create function guard_mfa_rollout_items() returns trigger language plpgsql as $$
begin
  if exists (
    select from touched t join mfa_rollout r on r.id = t.rollout_id
    where r.status <> 'planning' and (tg_op = 'INSERT' or r.started_at is not null or r.finished_at is null)
  ) then
    raise exception 'the items of a plan stay' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;
-->
create trigger mfa_rollout_items_added after insert on mfa_rollout_item referencing new table as touched
  for each statement execute function guard_mfa_rollout_items();
-->
create trigger mfa_rollout_items_removed after delete on mfa_rollout_item referencing old table as touched
  for each statement execute function guard_mfa_rollout_items();
-->
create function refuse_to_alter_plan() returns trigger language plpgsql as $$
begin
  raise exception 'the items of a plan stay' using errcode = 'restrict_violation';
end
$$;
-->
create trigger mfa_rollout_item_planned before update of rollout_id, item, account, op_uin, before_image, sent, wave
  on mfa_rollout_item for each row
  when ((old.rollout_id, old.item, old.op_uin) is distinct from (new.rollout_id, new.item, new.op_uin)
    or old.account is distinct from new.account or old.before_image is distinct from new.before_image
    or old.sent is distinct from new.sent or old.wave is distinct from new.wave)
  execute function refuse_to_alter_plan();
-->
create trigger mfa_rollout_kept before delete or truncate on mfa_rollout
  for each statement execute function refuse_to_alter_plan();
-->
create trigger mfa_rollout_item_kept before truncate on mfa_rollout_item
  for each statement execute function refuse_to_alter_plan();
-->
-- A role or database that presets session_replication_role = replica would turn them off otherwise.
alter table mfa_rollout
  enable always trigger mfa_rollout_guard, enable always trigger mfa_rollout_begins,
  enable always trigger mfa_rollout_kept;
-->
alter table mfa_rollout_item
  enable always trigger mfa_rollout_items_added, enable always trigger mfa_rollout_items_removed,
  enable always trigger mfa_rollout_item_planned, enable always trigger mfa_rollout_item_kept;
-->
-- Triggers read the steps and the rollout with the rights of their owner, in this schema and no other.
do $$
declare
  name text;
begin
  foreach name in array array['guard_mfa_rollout', 'guard_mfa_rollout_items'] loop
    execute format('alter function %I() security definer set search_path = %I, pg_temp', name, current_schema());
    execute format('revoke execute on function %I() from public', name);
  end loop;
end
$$;
