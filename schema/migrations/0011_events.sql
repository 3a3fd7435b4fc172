-- Events beside the changes: refusals, pauses and their ends, exports, accounts. They are sealed into the chain `gateway`.
-- Each change keeps the policy that allowed it. Times are the database's clock. A line with an arrow alone separates
-- statements.

alter table mfa_change
  -- SHA-256 of the policy file that allowed the change, and the ids of the rules that did. Null without a policy.
  add column policy_hash text,
  add column policy_rules text[];
-->
-- As in 0008. Records without a policy have the content that they had before.
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
  end)::text
$$;
-->
create table audit_event (
  -- Sorts by time.
  id uuid primary key,
  kind text not null,
  at timestamptz not null,
  account text,
  subject text,
  client text,
  issuer text,
  details jsonb not null,
  chain text not null,
  chain_seq bigint not null,
  sealed_content text not null,
  previous_hash text not null,
  hash text not null,
  unique (chain, chain_seq)
);
-->
-- Each filter has its rows in the order of a page.
create index audit_event_by_kind on audit_event (kind, id desc);
-->
create index audit_event_by_account on audit_event (account, id desc) where account is not null;
-->
create index audit_event_by_subject on audit_event (subject, id desc) where subject is not null;
-->
create trigger audit_event_kept before update or delete or truncate on audit_event
  for each statement execute function refuse_to_alter_record();
-->
alter table audit_event enable always trigger audit_event_kept;
-->
-- What a seal covers. jsonb prints its keys in a fixed order.
create function event_content(e audit_event) returns text language sql stable as $$
  select jsonb_build_object(
    'id', e.id, 'kind', e.kind, 'at', iso_time(e.at), 'account', e.account, 'subject', e.subject, 'client', e.client,
    'issuer', e.issuer, 'details', e.details
  )::text
$$;
-->
-- Seals an event, whose keys are columns of audit_event, into the chain `gateway`. `ageMs` is how long ago it happened.
create function record_event(p_event jsonb) returns void language plpgsql as $$
declare
  e audit_event := jsonb_populate_record(null::audit_event, p_event);
begin
  e.id := uuid_v7();
  e.at := clock_timestamp() - make_interval(secs => least(coalesce((p_event ->> 'ageMs')::float8, 0), 3600000) / 1000);
  e.details := coalesce(e.details, '{}');
  e.chain := 'gateway';
  e.sealed_content := event_content(e);
  if length(e.sealed_content) > 20000 then
    raise exception 'the event is too long' using errcode = 'check_violation';
  end if;
  select x.seq, x.previous_hash, x.hash into e.chain_seq, e.previous_hash, e.hash
    from extend_chain(e.chain, e.sealed_content) x;
  insert into audit_event select e.*;
end
$$;
-->
-- Seals events of the gateway in one statement. The functions that pause, resume and prune seal theirs by themselves.
create function record_events(p_events jsonb) returns void language plpgsql as $$
declare
  event jsonb;
begin
  for event in select * from jsonb_array_elements(p_events) loop
    if event ->> 'kind' not in ('refusal', 'refusals', 'export') then
      raise exception 'the gateway seals no event of the kind %', event ->> 'kind' using errcode = 'check_violation';
    end if;
    -- The database knows who exports. The caller cannot name another.
    perform record_event(
      case event ->> 'kind' when 'export' then event || jsonb_build_object('subject', session_user) else event end
    );
  end loop;
end
$$;
-->
-- Seals the accounts that were added and removed since a replica last told its accounts, and returns how many.
create function note_accounts(p_accounts text[], p_replica text) returns integer language plpgsql as $$
declare
  changed integer := 0;
  each record;
begin
  perform pg_advisory_xact_lock(hashtextextended('accounts', 0));
  for each in
    select coalesce(known.account, given.account) as account, known.account is null as is_new
    from (
      select distinct on (e.account) e.account, e.kind from audit_event e
      where e.kind in ('account_added', 'account_removed') order by e.account, e.id desc
    ) known
    full join unnest(p_accounts) given (account) on given.account = known.account and known.kind = 'account_added'
    where (known.kind is distinct from 'account_removed' or given.account is not null)
      and (known.account is null or given.account is null)
    order by 1
  loop
    perform record_event(jsonb_build_object(
      'kind', case when each.is_new then 'account_added' else 'account_removed' end, 'account', each.account,
      'details', jsonb_build_object('replica', p_replica)
    ));
    changed := changed + 1;
  end loop;
  return changed;
end
$$;
-->
-- As in 0009, and seals the pause.
create or replace function guard_caller(
  p_subject text, p_issuer text, p_account text, p_op_uin text, p_users integer, p_within_ms double precision
) returns table (verdict text, pause_id uuid) language plpgsql as $$
declare
  lock_key constant bigint := hashtextextended('caller ' || p_subject || ' ' || coalesce(p_issuer, ''), 0);
  owner constant text := coalesce(p_issuer, '');
  far_below constant integer := p_users - current_setting('max_connections')::integer;
  is_near boolean := true;
  since timestamptz;
  touched integer;
begin
  if p_users = 0 then
    return;
  end if;
  if far_below > 0 then
    begin
      perform pg_advisory_xact_lock_shared(lock_key);
      is_near := count_users(p_subject, owner, p_account, p_op_uin) > far_below;
      if is_near then
        -- Releases the lock: two holders that both asked for more would wait for each other.
        raise exception using errcode = 'CG001';
      end if;
    exception when sqlstate 'CG001' then
      null;
    end;
  end if;
  if is_near then
    perform pg_advisory_xact_lock(lock_key);
  end if;
  select p.id into pause_id from caller_pause p
    where p.subject = p_subject and p.issuer is not distinct from p_issuer and p.resumed_at is null;
  if found then
    return query select 'PAUSED', pause_id;
    return;
  end if;
  if not is_near then
    return;
  end if;
  since := greatest(
    clock_timestamp() - make_interval(secs => p_within_ms / 1000),
    (select max(p.resumed_at) from caller_pause p
      where p.subject = p_subject and p.issuer is not distinct from p_issuer)
  );
  with gone as (
    delete from caller_user u using caller_account a
    where a.subject = p_subject and a.issuer = owner
      and u.issuer || ' ' || u.subject = owner || ' ' || p_subject and u.account = a.account and u.changed_at <= since
    returning u.account
  )
  update caller_account a set users = a.users - g.users
    from (select account, count(*) as users from gone group by account) g
    where a.subject = p_subject and a.issuer = owner and a.account = g.account;
  touched := count_users(p_subject, owner, p_account, p_op_uin);
  if touched <= p_users then
    return;
  end if;
  pause_id := uuid_v7();
  insert into caller_pause (id, subject, issuer, users, within_ms)
    values (pause_id, p_subject, p_issuer, touched, p_within_ms);
  perform record_event(jsonb_build_object(
    'kind', 'caller_paused', 'subject', p_subject, 'issuer', p_issuer, 'account', p_account,
    'details', jsonb_build_object('pauseId', pause_id, 'users', touched, 'withinMs', p_within_ms, 'opUin', p_op_uin)
  ));
  return query select 'PAUSES', pause_id;
end
$$;
-->
-- As in 0009, and keeps the policy that allowed the change.
create or replace function begin_change(
  p_intent jsonb, p_lease_ms double precision, p_approval_ms double precision, p_guard_users integer,
  p_guard_within_ms double precision, p_known bigint, p_read_age_ms double precision
) returns table (verdict text, change_id uuid) language plpgsql as $$
declare
  intent mfa_change := jsonb_populate_record(null::mfa_change, p_intent);
  -- A policy gives a week at most.
  approval_end timestamptz := clock_timestamp()
    + case when p_approval_ms > 604800000 then interval '7 days' else make_interval(secs => p_approval_ms / 1000) end;
  under_way record;
  other record;
begin
  perform require_read_committed('begin_change');
  -- The lock that settle_change takes. Accounts share it where they have a Uin in common, which is rare.
  perform pg_advisory_xact_lock(hashtextextended('user ' || intent.op_uin, 0));
  if intent.idempotency_key is not null then
    perform pg_advisory_xact_lock(
      hashtextextended(
        'key ' || coalesce(intent.caller_issuer, '') || ' ' || intent.caller_subject || ' ' || intent.idempotency_key, 0
      )
    );
    select c.id, c.request_hash into other from mfa_change c
      where c.caller_subject = intent.caller_subject and c.caller_issuer is not distinct from intent.caller_issuer
        and c.idempotency_key = intent.idempotency_key and c.created_at > clock_timestamp() - interval '24 hours'
      order by c.begun desc limit 1;
    if found then
      return query select case when other.request_hash = intent.request_hash then 'REPLAY' else 'KEY_REUSED' end,
        other.id;
      return;
    end if;
  end if;
  select c.id, c.request_hash into under_way from mfa_change c
    where c.account = intent.account and c.op_uin = intent.op_uin and c.status = 'pending';
  if intent.idempotency_key is null then
    if under_way.request_hash = intent.request_hash then
      return query select 'JOIN', under_way.id;
      return;
    end if;
    select c.id into other from mfa_change c
      where c.account = intent.account and c.op_uin = intent.op_uin and c.status = 'awaiting_approval'
        and asked_effect(c.requested) = asked_effect(intent.requested)
        and c.caller_subject = intent.caller_subject and c.caller_issuer is not distinct from intent.caller_issuer
        and c.expires_at > clock_timestamp()
      order by c.begun limit 1;
    if found and p_approval_ms is not null then
      return query select 'JOIN', other.id;
      return;
    end if;
  end if;
  return query select g.verdict, g.pause_id from guard_caller(
    intent.caller_subject, intent.caller_issuer, intent.account, intent.op_uin, p_guard_users, p_guard_within_ms
  ) g;
  if found then
    return;
  end if;
  if p_approval_ms is null then
    if under_way.id is not null then
      return query select 'BUSY', under_way.id;
      return;
    end if;
    change_id := changed_since(intent.account, intent.op_uin, p_known, p_read_age_ms);
    if change_id is not null then
      return query select 'STALE', change_id;
      return;
    end if;
  else
    -- By another issuer or in another spelling it would be the same person's again.
    select (array_agg(c.id order by c.begun))[1] into change_id from mfa_change c
      where c.account = intent.account and c.op_uin = intent.op_uin and c.status = 'awaiting_approval'
        and coalesce(c.caller_person, c.caller_subject) = intent.caller_person
        and c.expires_at > clock_timestamp()
      having count(*) >= 5;
    if found then
      return query select 'FULL', change_id;
      return;
    end if;
  end if;
  perform note_user(
    intent.caller_subject, intent.caller_issuer, intent.account, intent.op_uin, p_guard_users, p_guard_within_ms
  );
  change_id := uuid_v7();
  insert into mfa_change (
    id, account, op_uin, caller_subject, caller_person, caller_client, caller_issuer, gateway_request_id, requested,
    reason, request_hash, idempotency_key, before_image, sent, replica, status, expires_at, lease_until, policy_hash,
    policy_rules
  ) values (
    change_id, intent.account, intent.op_uin, intent.caller_subject, intent.caller_person, intent.caller_client, intent.caller_issuer,
    intent.gateway_request_id, intent.requested, intent.reason, intent.request_hash, intent.idempotency_key,
    intent.before_image, intent.sent, intent.replica,
    case when p_approval_ms is null then 'pending' else 'awaiting_approval' end,
    approval_end,
    -- The replica that finds an expired change settles it.
    coalesce(approval_end, lease_end(p_lease_ms)), intent.policy_hash, intent.policy_rules
  );
  return query select case when p_approval_ms is null then 'BEGUN' else 'AWAITING' end, change_id;
end
$$;
-->
-- Ends a pause, restarts the count of the caller's users, and seals the end. Returns nothing where the pause was over, or is
-- the caller's own.
create or replace function resume_caller(p_id uuid, p_subject text, p_client text, p_issuer text)
returns setof caller_pause language plpgsql as $$
declare
  resumed caller_pause;
begin
  update caller_pause set
    resumed_at = clock_timestamp(), resumed_by_subject = p_subject, resumed_by_client = p_client,
    resumed_by_issuer = p_issuer
  where id = p_id and resumed_at is null and subject <> p_subject
  returning * into resumed;
  if not found then
    return;
  end if;
  perform record_event(jsonb_build_object(
    'kind', 'caller_resumed', 'subject', p_subject, 'client', p_client, 'issuer', p_issuer,
    'details', jsonb_build_object('pauseId', p_id, 'caller', resumed.subject, 'callerIssuer', resumed.issuer)
  ));
  return next resumed;
end
$$;
-->
-- As in 0009: functions that write run with the rights of their owner, in this schema and no other. Roles that keep
-- checkpoints record events too, and roles that read the ends of the chains read the events.
do $$
declare
  home constant regnamespace := quote_ident(current_schema())::regnamespace;
  writing constant text[] := array['begin_change', 'resume_caller', 'record_events', 'note_accounts'];
  each record;
begin
  for each in
    select p.oid::regprocedure as name, p.proname from pg_proc p
    where p.pronamespace = home and p.proname = any (writing || 'record_event'::text)
  loop
    execute format('revoke execute on function %s from public', each.name);
    if each.proname = any (writing) then
      execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
    end if;
  end loop;
  for each in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_proc p, aclexplode(p.proacl) a
    where p.pronamespace = home and p.proname = 'keep_record_checkpoint' and a.grantee <> p.proowner
  loop
    execute format('grant execute on function record_events, note_accounts to %s', each.role);
  end loop;
  for each in
    select distinct case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = 'record_chain'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
  loop
    execute format('grant select on audit_event to %s', each.role);
  end loop;
end
$$;
