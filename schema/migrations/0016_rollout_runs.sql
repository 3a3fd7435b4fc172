-- Runs of rollouts: each item is a change of the record. Lanes, the error budget and waves are decided here, because
-- replicas share them. Times are the database's clock. A line with an arrow alone separates statements.

alter table mfa_change
  -- The item of a rollout that the change makes, and the attempt at it.
  add column rollout_id uuid references mfa_rollout,
  add column rollout_item integer,
  add column rollout_attempt integer,
  -- The plan that was approved, and whether it needed another person. The columns of the decision name that person.
  add column plan_hash text,
  add column rollout_needs_approval boolean,
  add constraint mfa_change_rollout_is_whole check (
    num_nulls(rollout_id, rollout_item, rollout_attempt, plan_hash, rollout_needs_approval) in (0, 5)
  ) not valid,
  add constraint mfa_change_rollout_is_approved check (
    rollout_id is null or status <> 'awaiting_approval' and idempotency_key is null
      and (decision is not distinct from 'approved' or not rollout_needs_approval)
  ) not valid;
-->
-- For ever, so that no attempt is made twice.
create unique index mfa_change_by_rollout on mfa_change (rollout_id, rollout_item, rollout_attempt)
  where rollout_id is not null;
-->
-- As in 0011. Records of no rollout have the content that they had before.
create or replace function change_content(c mfa_change) returns text language sql stable as $$
  select (jsonb_build_object(
    'id', c.id, 'account', c.account, 'opUin', c.op_uin, 'callerSubject', c.caller_subject,
    'callerClient', c.caller_client, 'callerIssuer', c.caller_issuer, 'gatewayRequestId', c.gateway_request_id,
    'requested', c.requested, 'reason', c.reason, 'requestHash', c.request_hash, 'idempotencyKey', c.idempotency_key,
    'before', c.before_image, 'sent', c.sent, 'status', c.status, 'resolvedBy', c.resolved_by, 'code', c.code,
    'camCode', c.cam_code, 'camAction', c.cam_action, 'camRequestId', c.cam_request_id, 'attempts', c.attempts,
    'quotaWaitMs', c.quota_wait_ms, 'looks', c.read_backs, 'replica', c.replica, 'createdAt', iso_time(c.created_at),
    'finishedAt', iso_time(c.finished_at), 'expiresAt', iso_time(c.expires_at), 'decision', c.decision,
    'decidedAt', iso_time(c.decided_at), 'decidedBySubject', c.decided_by_subject,
    'decidedByClient', c.decided_by_client, 'decidedByIssuer', c.decided_by_issuer,
    'decisionRequestId', c.decision_request_id, 'decisionReason', c.decision_reason, 'requestMac', c.request_mac,
    'requestKey', c.request_key
  ) || case
    when c.policy_hash is null and c.policy_rules is null then '{}'::jsonb
    else jsonb_build_object('policyHash', c.policy_hash, 'policyRules', to_jsonb(c.policy_rules))
  end || case
    when c.rollout_id is null then '{}'::jsonb
    else jsonb_build_object(
      'rolloutId', c.rollout_id, 'rolloutItem', c.rollout_item, 'rolloutAttempt', c.rollout_attempt,
      'planHash', c.plan_hash, 'rolloutNeedsApproval', c.rollout_needs_approval
    )
  end)::text
$$;
-->
alter table mfa_rollout
  -- The proof: when every user was read once more and the result sealed, its digest, and how many users differ.
  add column sealed_at timestamptz,
  add column read_back_digest text,
  add column differences integer,
  -- A rule of an item that asks for an approval gets one.
  add constraint mfa_rollout_rule_asks_for_approval check (
    approval_minutes is null or started_at is null or decision is not distinct from 'approved'
  );
-->
alter table mfa_rollout_item
  add column unknown_since timestamptz,
  -- Whether the read after the run shows another state than the run left, or was not possible.
  add column differs boolean;
-->
-- What is still to be read after a run.
create index mfa_rollout_item_to_read_back on mfa_rollout_item (rollout_id, account, item)
  where attempt > 0 and read_back_at is null;
-->
-- The accounts of a rollout that was started. One process at a time keeps a lane.
create table mfa_rollout_lane (
  rollout_id uuid not null references mfa_rollout,
  account text not null,
  owner text,
  lease_until timestamptz,
  -- Why the lane waits, and until when: the gateway's code.
  code text,
  paused_until timestamptz,
  primary key (rollout_id, account)
);
-->
-- Whether items may begin now by the window of a rollout, as src/auth/policy/hours.ts decides about hours.
create function rollout_window_is_open(p_input jsonb) returns boolean language sql stable as $$
  select coalesce(
    (w -> 'days' is null or w -> 'days' ? to_char(clock_timestamp() at time zone (w ->> 'timeZone'), 'Dy'))
      and to_char(clock_timestamp() at time zone (w ->> 'timeZone'), 'HH24:MI') >= w ->> 'from'
      and to_char(clock_timestamp() at time zone (w ->> 'timeZone'), 'HH24:MI') < w ->> 'to',
    true
  )
  from (select nullif(p_input -> 'window', 'null') as w) input
$$;
-->
-- What a rollout has spent of its error budget: failures, with outcomes that are unknown for five minutes, and items
-- whose outcome is open.
create function rollout_spent(p_rollout uuid, out failed_items integer, out open_items integer) language sql stable as $$
  select
    (count(*) filter (where state = 'failed' or unknown_since <= clock_timestamp() - interval '5 minutes'))::integer,
    (count(*) filter (where state <> 'failed' and coalesce(unknown_since > clock_timestamp() - interval '5 minutes', true)))::integer
  from mfa_rollout_item where rollout_id = p_rollout and state in ('changing', 'unknown', 'failed')
$$;
-->
-- Ends a rollout, and frees its users but those whose change is open.
create function end_rollout(p_rollout uuid, p_status text, p_code text, p_hint text) returns void language sql as $$
  update mfa_rollout set
    status = p_status, code = p_code, cam_code = null, hint = p_hint, finished_at = clock_timestamp(),
    wave_held_until = null, wave_awaits_release = false
  where id = p_rollout;
  update mfa_rollout_item set held = false
  where rollout_id = p_rollout and held and state not in ('changing', 'unknown');
$$;
-->
-- Brings a rollout forward: ends it if its time is over, its budget is spent or all its items are settled, and begins
-- the next wave. Returns the status before and after, or nothing if another replica is at it.
create function advance_rollout(p_rollout uuid) returns table (before text, after text, began_wave integer)
language plpgsql as $$
declare
  r mfa_rollout;
  ended jsonb;
begin
  select * into r from mfa_rollout where id = p_rollout for no key update skip locked;
  if not found then
    return;
  end if;
  before := r.status;
  if r.status = 'awaiting_approval' and r.approval_expires_at <= clock_timestamp() then
    perform end_rollout(p_rollout, 'expired', 'APPROVAL_EXPIRED', 'Nobody approved the rollout in time.');
  elsif r.status in ('running', 'paused') then
    if coalesce(r.decided_at, r.started_at) <= clock_timestamp() - interval '7 days' then
      perform end_rollout(p_rollout, 'stopped', 'APPROVAL_EXPIRED', 'A rollout runs for seven days at most.');
    elsif (select s.failed_items > r.max_failures from rollout_spent(p_rollout) s) then
      perform end_rollout(
        p_rollout, 'stopped', null, format('More users failed than the error budget of %s allows.', r.max_failures)
      );
    elsif not exists (
      select from mfa_rollout_item i where i.rollout_id = p_rollout and i.wave <= r.wave and i.settled_at is null
    ) then
      if not exists (select from mfa_rollout_item i where i.rollout_id = p_rollout and i.wave > r.wave) then
        perform end_rollout(p_rollout, 'done', null, null);
      else
        ended := coalesce(r.input -> 'waves' -> (r.wave - 1), '{}');
        if r.wave_held_until is null and not r.wave_awaits_release
          and ((ended ->> 'holdHours')::float8 > 0 or (ended ->> 'waitForRelease')::boolean)
        then
          update mfa_rollout set
            wave_held_until = case
              when (ended ->> 'holdHours')::float8 > 0
                then clock_timestamp() + make_interval(secs => (ended ->> 'holdHours')::float8 * 3600)
            end,
            wave_awaits_release = coalesce((ended ->> 'waitForRelease')::boolean, false)
          where id = p_rollout;
        elsif not r.wave_awaits_release and coalesce(r.wave_held_until <= clock_timestamp(), true) then
          update mfa_rollout set wave = r.wave + 1, wave_held_until = null where id = p_rollout;
          began_wave := r.wave + 1;
        end if;
      end if;
    end if;
  end if;
  select m.status into after from mfa_rollout m where m.id = p_rollout;
  return next;
end
$$;
-->
-- Renews the lease of a lane, and claims items for it. OVER: the lane has nothing to begin for now, or another process
-- has it. Each claim counts the budget of the whole rollout, so claims of one rollout run one after the other.
create function claim_rollout_items(
  p_rollout uuid, p_account text, p_owner text, p_limit integer, p_lane_ms double precision, p_item_ms double precision
) returns table (verdict text, items jsonb) language plpgsql as $$
declare
  r mfa_rollout;
  room integer;
begin
  verdict := 'OVER';
  items := '[]';
  update mfa_rollout_lane l set owner = p_owner, lease_until = lease_end(p_lane_ms)
    where l.rollout_id = p_rollout and l.account = p_account
      and (l.owner = p_owner or l.lease_until is null or l.lease_until < clock_timestamp()
        -- No lease is as long. The clock was set back.
        or l.lease_until > clock_timestamp() + interval '10 minutes');
  if not found then
    return next;
    return;
  end if;
  if p_limit > 0 then
    select * into r from mfa_rollout where id = p_rollout for no key update;
  else
    select * into r from mfa_rollout where id = p_rollout;
  end if;
  if r.status = 'paused' or r.status = 'running' and p_limit = 0 then
    verdict := 'ON';
    return next;
    return;
  end if;
  if r.status <> 'running' or r.wave_awaits_release or r.wave_held_until is not null
    or coalesce(r.decided_at, r.started_at) <= clock_timestamp() - interval '7 days'
    or not rollout_window_is_open(r.input)
    or not exists (
      select from mfa_rollout_item i
      where i.rollout_id = p_rollout and i.account = p_account and i.wave = r.wave and i.settled_at is null
        and i.state <> 'unknown'
    )
  then
    return next;
    return;
  end if;
  select r.max_failures + 1 - s.failed_items - s.open_items into room from rollout_spent(p_rollout) s;
  -- Materialized, because a plan may run a subquery with a limit more than once, and claim more than fits the budget.
  with free as materialized (
    select o.item from mfa_rollout_item o
    where o.rollout_id = p_rollout and o.account = p_account and o.wave = r.wave and o.settled_at is null
      and o.state not in ('changing', 'unknown') and (o.lease_until is null or o.lease_until < clock_timestamp())
    order by o.item limit greatest(0, least(p_limit, room)) for update skip locked
  ), claimed as (
    update mfa_rollout_item i set
      state = 'changing', attempt = i.attempt + 1, change_id = null, code = null, cam_code = null, why = null,
      lease_owner = p_owner, lease_until = lease_end(p_item_ms)
    from free where i.rollout_id = p_rollout and i.item = free.item
    returning i.item, i.attempt, i.op_uin, i.before_image, i.sent
  )
  select coalesce(jsonb_agg(
      jsonb_build_object('item', c.item, 'attempt', c.attempt, 'opUin', c.op_uin, 'before', c.before_image, 'sent', c.sent)
      order by c.item
    ), '[]') into items from claimed c;
  verdict := 'ON';
  return next;
end
$$;
-->
-- Records the change of an item and its id in the item, or says why not:
--   BEGUN    the change is on record; go on
--   LOST     this process has no lease of the attempt any more, or the rollout does not run (id: the rollout)
--   REPLAY   the attempt began before (id: its change)
--   PAUSED   the bulk guard paused who started or approved the rollout (id: the pause)
--   BUSY, STALE   as begin_change
-- The rollout says who makes the change, who approved it, and by which plan. Items count for neither of the two.
create function begin_rollout_change(
  p_intent jsonb, p_owner text, p_lease_ms double precision, p_known bigint, p_read_age_ms double precision
) returns table (verdict text, change_id uuid) language plpgsql as $$
declare
  intent mfa_change := jsonb_populate_record(null::mfa_change, p_intent);
  r mfa_rollout;
  i mfa_rollout_item;
begin
  perform require_read_committed('begin_rollout_change');
  perform pg_advisory_xact_lock(hashtextextended('user ' || intent.op_uin, 0));
  select * into i from mfa_rollout_item x
    where x.rollout_id = intent.rollout_id and x.item = intent.rollout_item for update;
  select * into r from mfa_rollout x where x.id = intent.rollout_id;
  if i.change_id is not null and i.attempt = intent.rollout_attempt then
    return query select 'REPLAY', i.change_id;
    return;
  end if;
  if r.status is distinct from 'running' or i.state <> 'changing' or i.attempt <> intent.rollout_attempt
    or i.lease_owner is distinct from p_owner or i.lease_until <= clock_timestamp()
    or i.account <> intent.account or i.op_uin <> intent.op_uin
    or coalesce(r.decided_at, r.started_at) <= clock_timestamp() - interval '7 days'
  then
    return query select 'LOST', intent.rollout_id;
    return;
  end if;
  select p.id into change_id from caller_pause p
    where p.resumed_at is null and (
      p.subject = r.caller_subject and p.issuer is not distinct from r.caller_issuer
      or r.decision = 'approved' and p.subject = r.decided_by_subject
        and p.issuer is not distinct from r.decided_by_issuer
    );
  if found then
    return query select 'PAUSED', change_id;
    return;
  end if;
  select c.id into change_id from mfa_change c
    where c.account = i.account and c.op_uin = i.op_uin and c.status = 'pending';
  if found then
    return query select 'BUSY', change_id;
    return;
  end if;
  change_id := changed_since(i.account, i.op_uin, p_known, p_read_age_ms);
  if change_id is not null then
    return query select 'STALE', change_id;
    return;
  end if;
  change_id := uuid_v7();
  insert into mfa_change (
    id, account, op_uin, caller_subject, caller_person, caller_client, caller_issuer, gateway_request_id, requested,
    reason, request_hash, before_image, sent, replica, status, lease_until, policy_hash, policy_rules, rollout_id,
    rollout_item, rollout_attempt, plan_hash, rollout_needs_approval, expires_at, decision, decided_at,
    decided_by_subject, decided_by_person, decided_by_client, decided_by_issuer, decision_request_id, decision_reason
  ) select
    change_id, i.account, i.op_uin, r.caller_subject, r.caller_person, r.caller_client, r.caller_issuer,
    intent.gateway_request_id, intent.requested, r.reason, intent.request_hash, intent.before_image, intent.sent,
    intent.replica, 'pending', lease_end(p_lease_ms), intent.policy_hash, intent.policy_rules, r.id, i.item, i.attempt,
    r.plan_hash, r.approval_requested_at is not null, r.approval_expires_at, r.decision, r.decided_at,
    r.decided_by_subject, r.decided_by_person, r.decided_by_client, r.decided_by_issuer, r.decision_request_id,
    r.decision_reason;
  update mfa_rollout_item x set change_id = begin_rollout_change.change_id
    where x.rollout_id = i.rollout_id and x.item = i.item;
  return query select 'BEGUN', change_id;
end
$$;
-->
-- Settles an item in the transaction that settles its change. An outcome that stays unknown for ever is a failure.
-- The replica decides about a refusal: the item fails, or it is tried again after a fault of the whole account.
create function rollout_follow_change() returns trigger language plpgsql as $$
begin
  update mfa_rollout_item i set
    state = case
      when new.status = 'applied' then 'applied' when new.hash is null then 'unknown' else 'failed'
    end,
    code = new.code, cam_code = new.cam_code, lease_owner = null, lease_until = null,
    unknown_since = case when new.status = 'unknown' then coalesce(i.unknown_since, clock_timestamp()) end,
    settled_at = case when new.status = 'applied' or new.hash is not null then clock_timestamp() end,
    held = i.held and exists (select from mfa_rollout r where r.id = i.rollout_id and r.status in ('running', 'paused'))
  where i.rollout_id = new.rollout_id and i.item = new.rollout_item and i.change_id = new.id
    and i.state in ('changing', 'unknown');
  return null;
end
$$;
-->
create trigger mfa_change_rollout after update of status on mfa_change for each row
  when (new.rollout_id is not null and new.status in ('applied', 'unknown'))
  execute function rollout_follow_change();
-->
-- A role or database that presets session_replication_role = replica would turn it off otherwise.
alter table mfa_change enable always trigger mfa_change_rollout;
-->
-- Lets a rollout run, with a lane for each account, and seals its start with what was approved.
create function run_rollout(p_rollout uuid) returns void language plpgsql as $$
declare
  r mfa_rollout;
begin
  update mfa_rollout set status = 'running', started_at = clock_timestamp(), wave = 1
    where id = p_rollout and status in ('planned', 'awaiting_approval') returning * into r;
  if not found then
    raise exception 'the rollout % cannot start', p_rollout using errcode = 'check_violation';
  end if;
  insert into mfa_rollout_lane (rollout_id, account)
    select distinct p_rollout, i.account from mfa_rollout_item i where i.rollout_id = p_rollout and i.wave is not null;
  perform record_event(jsonb_build_object(
    'kind', 'rollout_started', 'subject', r.caller_subject, 'client', r.caller_client, 'issuer', r.caller_issuer,
    'details', rollout_facts(r)
  ));
end
$$;
-->
-- The facts of a run that both of its events seal.
create function rollout_facts(r mfa_rollout) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'rolloutId', r.id, 'name', r.name, 'reason', r.reason, 'planHash', r.plan_hash, 'policyHash', r.policy_hash, 'undoOf', r.undo_of,
    'users', (select count(*) from mfa_rollout_item i where i.rollout_id = r.id and i.wave is not null),
    'maxFailures', r.max_failures, 'startedAt', iso_time(r.started_at),
    'approval', case when r.decision = 'approved' then jsonb_build_object(
      'subject', r.decided_by_subject, 'client', r.decided_by_client, 'issuer', r.decided_by_issuer,
      'at', iso_time(r.decided_at), 'requestedAt', iso_time(r.approval_requested_at), 'reason', r.decision_reason
    ) end
  )
$$;
-->
-- Seals the end of a run, once every user that it came to is read back. Returns whether it did.
create function seal_rollout(p_rollout uuid, p_digest text) returns boolean language plpgsql as $$
declare
  r mfa_rollout;
begin
  select * into r from mfa_rollout where id = p_rollout for no key update;
  if r.sealed_at is not null or r.started_at is null or r.finished_at is null or exists (
    select from mfa_rollout_item i
    where i.rollout_id = p_rollout and i.attempt > 0 and (i.read_back_at is null or i.state in ('changing', 'unknown'))
  ) then
    return false;
  end if;
  update mfa_rollout set
    sealed_at = clock_timestamp(), read_back_digest = p_digest,
    differences = (select count(*) from mfa_rollout_item i where i.rollout_id = p_rollout and i.differs)
  where id = p_rollout returning * into r;
  perform record_event(jsonb_build_object(
    'kind', 'rollout_sealed', 'subject', r.caller_subject, 'client', r.caller_client, 'issuer', r.caller_issuer,
    'details', rollout_facts(r) || jsonb_build_object(
      'status', r.status, 'code', r.code, 'finishedAt', iso_time(r.finished_at), 'differences', r.differences,
      'readBackDigest', r.read_back_digest,
      'counts', (
        select jsonb_object_agg(c.state, c.items) from (
          select i.state, count(*) as items from mfa_rollout_item i
          where i.rollout_id = p_rollout and i.wave is not null group by i.state
        ) c
      )
    )
  ));
  return true;
end
$$;
-->
-- As in 0011: functions that write for the gateway run with the rights of their owner, in this schema and no other.
do $$
declare
  home constant regnamespace := quote_ident(current_schema())::regnamespace;
  writing constant text[] := array[
    'advance_rollout', 'claim_rollout_items', 'begin_rollout_change', 'rollout_follow_change', 'run_rollout',
    'seal_rollout', 'end_rollout'
  ];
  each record;
begin
  for each in
    select p.oid::regprocedure as name from pg_proc p where p.pronamespace = home and p.proname = any (writing)
  loop
    execute format('revoke execute on function %s from public', each.name);
    execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
  end loop;
end
$$;
