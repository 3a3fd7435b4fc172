-- Why a change is made, and in which account; changes that another caller has to approve; and callers who are paused
-- because they change too many users. Times are the database's clock. A line with an arrow alone separates statements.

alter table mfa_change
  -- Why, in the caller's words.
  add column reason text,
  -- Only where another caller has to approve the change: until when.
  add column expires_at timestamptz,
  -- What was decided, by whom, in which request, and why. Of a change that expired nothing was.
  add column decision text check (decision in ('approved', 'rejected', 'withdrawn')),
  add column decided_at timestamptz,
  add column decided_by_subject text,
  add column decided_by_client text,
  add column decided_by_issuer text,
  add column decision_request_id text,
  add column decision_reason text,
  -- Counts an approved change among those of `begun` anew, as CAM heard of it only then.
  add column let_go bigint,
  -- The account's name in the gateway: a user is one of an account, and the same Uin asked about in another is another
  -- user. Changes from before there were several were made in the one that needs no name.
  add column account text not null default 'default',
  drop constraint mfa_change_status_check,
  drop constraint mfa_change_check1,
  drop constraint mfa_change_check2,
  add constraint mfa_change_status_check
    check (status in ('awaiting_approval', 'pending', 'applied', 'refused', 'unknown')),
  add constraint mfa_change_sealed_is_over
    check (seq is null or status not in ('awaiting_approval', 'pending')),
  add constraint mfa_change_finished_is_over
    check ((finished_at is null) = (status in ('awaiting_approval', 'pending'))),
  add constraint mfa_change_decision_is_whole
    check (num_nulls(decision, decided_at, decided_by_subject, decision_request_id) in (0, 4)),
  add constraint mfa_change_decision_was_awaited check (decision is null or expires_at is not null),
  add constraint mfa_change_awaits_decision
    check (status <> 'awaiting_approval' or (expires_at is not null and decision is null)),
  -- What has to be approved is not sent before it is, and never on the word of who asked for it.
  add constraint mfa_change_needs_approval
    check (expires_at is null or status in ('awaiting_approval', 'refused') or decision is not distinct from 'approved'),
  add constraint mfa_change_approved_by_another
    check (decision is distinct from 'approved' or decided_by_subject <> caller_subject);
-->
drop index mfa_change_one_open;
-->
-- One open change of a user at a time, across all replicas.
create unique index mfa_change_one_open on mfa_change (account, op_uin) where status = 'pending';
-->
create index mfa_change_by_account on mfa_change (account, begun desc);
-->
create index mfa_change_awaiting on mfa_change (op_uin) where status = 'awaiting_approval';
-->
create index mfa_change_by_caller on mfa_change (caller_subject, created_at);
-->
create index mfa_change_by_approver on mfa_change (decided_by_subject, decided_at) where decision = 'approved';
-->
-- Callers who changed too many users in too short a time, and who let them go on.
create table caller_pause (
  id uuid primary key,
  subject text not null,
  issuer text,
  paused_at timestamptz not null default clock_timestamp(),
  -- Why: as many different users within so many milliseconds.
  users integer not null,
  within_ms double precision not null,
  resumed_at timestamptz,
  resumed_by_subject text,
  resumed_by_client text,
  resumed_by_issuer text,
  check (num_nulls(resumed_at, resumed_by_subject) in (0, 2))
);
-->
create unique index caller_pause_open on caller_pause (subject, coalesce(issuer, '')) where resumed_at is null;
-->
create index caller_pause_by_caller on caller_pause (subject, resumed_at);
-->
create trigger caller_pause_kept before delete or truncate on caller_pause
  for each statement execute function refuse_to_alter_record();
-->
create trigger caller_pause_over before update on caller_pause
  for each row when (old.resumed_at is not null) execute function refuse_to_alter_record();
-->
-- What a seal covers: every column that says something about the change. jsonb prints its keys in a fixed order.
create or replace function change_content(c mfa_change) returns text language sql stable as $$
  select jsonb_build_object(
    'id', c.id, 'account', c.account, 'opUin', c.op_uin, 'callerSubject', c.caller_subject,
    'callerClient', c.caller_client, 'callerIssuer', c.caller_issuer, 'gatewayRequestId', c.gateway_request_id,
    'requested', c.requested, 'reason', c.reason, 'requestHash', c.request_hash, 'idempotencyKey', c.idempotency_key,
    'before', c.before_image, 'sent', c.sent, 'status', c.status, 'resolvedBy', c.resolved_by, 'code', c.code,
    'camCode', c.cam_code, 'camAction', c.cam_action, 'camRequestId', c.cam_request_id, 'attempts', c.attempts,
    'quotaWaitMs', c.quota_wait_ms, 'replica', c.replica, 'createdAt', iso_time(c.created_at),
    'finishedAt', iso_time(c.finished_at), 'expiresAt', iso_time(c.expires_at), 'decision', c.decision,
    'decidedAt', iso_time(c.decided_at), 'decidedBySubject', c.decided_by_subject,
    'decidedByClient', c.decided_by_client, 'decidedByIssuer', c.decided_by_issuer,
    'decisionRequestId', c.decision_request_id, 'decisionReason', c.decision_reason
  )::text
$$;
-->
-- At another level a statement would not see what was committed while the one before it waited for its turn.
create function require_read_committed(p_function text) returns void language plpgsql as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception '% needs transactions that are read committed, and not %',
      p_function, current_setting('transaction_isolation') using errcode = 'invalid_transaction_state';
  end if;
end
$$;
-->
-- The change of a user that ended since the user was read, if any. p_known_latest is the last change that the caller
-- knows its read to come after. p_read_age_ms is how long ago, by the caller's own clock, that read began; five seconds
-- are added for the way of the statement. They are not for p_known_latest, which is only new again where its outcome was
-- settled a second time since the read.
create function changed_since(
  p_account text, p_op_uin text, p_known_latest uuid, p_read_age_ms double precision
) returns uuid language sql volatile as $$
  select latest.id from (
    select c.id, c.finished_at from mfa_change c
    where c.account = p_account and c.op_uin = p_op_uin and c.finished_at is not null
    order by c.finished_at desc limit 1
  ) latest
  where latest.finished_at > clock_timestamp() - make_interval(secs =>
    (p_read_age_ms + case when latest.id is not distinct from p_known_latest then 0 else 5000 end) / 1000)
$$;
-->
-- Whether the bulk guard stands in the way of a caller who asks for, or approves, a change of a user:
--   PAUSED  an operator has to resume the caller (id: the pause)
--   PAUSES  the caller is paused by this, having come to more than p_users different users within p_within_ms since
--           they were last resumed (id: the pause)
-- and nothing where it does not. With p_users of 0 it never does.
create function guard_caller(
  p_subject text, p_issuer text, p_account text, p_op_uin text, p_users integer, p_within_ms double precision
) returns table (verdict text, pause_id uuid) language plpgsql as $$
declare
  since timestamptz;
  touched integer;
begin
  if p_users = 0 then
    return;
  end if;
  -- One at a time, or two would not count each other.
  perform pg_advisory_xact_lock(hashtextextended('caller ' || p_subject || ' ' || coalesce(p_issuer, ''), 0));
  select p.id into pause_id from caller_pause p
    where p.subject = p_subject and p.issuer is not distinct from p_issuer and p.resumed_at is null;
  if found then
    return query select 'PAUSED', pause_id;
    return;
  end if;
  since := greatest(
    clock_timestamp() - make_interval(secs => p_within_ms / 1000),
    (select max(p.resumed_at) from caller_pause p
      where p.subject = p_subject and p.issuer is not distinct from p_issuer)
  );
  select count(*) into touched from (
    select c.account, c.op_uin from mfa_change c
      where c.caller_subject = p_subject and c.caller_issuer is not distinct from p_issuer and c.created_at > since
    union
    select c.account, c.op_uin from mfa_change c
      where c.decided_by_subject = p_subject and c.decided_by_issuer is not distinct from p_issuer
        and c.decision = 'approved' and c.decided_at > since
    union
    select p_account, p_op_uin
  ) users;
  if touched <= p_users then
    return;
  end if;
  pause_id := uuid_v7();
  insert into caller_pause (id, subject, issuer, users, within_ms)
    values (pause_id, p_subject, p_issuer, touched, p_within_ms);
  return query select 'PAUSES', pause_id;
end
$$;
-->
drop function begin_change(
  text, text, text, text, text, jsonb, text, text, jsonb, jsonb, text, double precision, uuid, double precision
);
-->
-- Records the intent to change a user, whose keys are columns of mfa_change, or says why not:
--   BEGUN           the change is on record; go on
--   AWAITING        the change is on record, and another caller has to approve it
--   JOIN            the same change is open, or awaits approval for the same caller (id: that change). Not with an
--                   idempotency key, under which a record of its own has to be found for a day
--   PAUSED, PAUSES  the bulk guard stands in the way (see guard_caller; id: the pause)
--   BUSY            a change of this user that cannot be joined is open (id: that change)
--   STALE           another change of this user ended since the caller read the user: read again (id: that change)
--   REPLAY          the idempotency key belongs to this very request, made earlier (id: that change)
--   KEY_REUSED      the idempotency key belongs to another request (id: that change)
-- p_approval_ms is how long another caller has to approve the change, and null where nobody has to. What awaits
-- approval is composed anew when it is approved, so neither another open change nor a stale read stands in its way.
create function begin_change(
  p_intent jsonb, p_lease_ms double precision, p_approval_ms double precision, p_guard_users integer,
  p_guard_within_ms double precision, p_known_latest uuid, p_read_age_ms double precision
) returns table (verdict text, change_id uuid) language plpgsql as $$
declare
  intent mfa_change := jsonb_populate_record(null::mfa_change, p_intent);
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
      order by c.created_at desc limit 1;
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
        and c.request_hash = intent.request_hash
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
    change_id := changed_since(intent.account, intent.op_uin, p_known_latest, p_read_age_ms);
    if change_id is not null then
      return query select 'STALE', change_id;
      return;
    end if;
  end if;
  change_id := uuid_v7();
  insert into mfa_change (
    id, account, op_uin, caller_subject, caller_client, caller_issuer, gateway_request_id, requested, reason,
    request_hash, idempotency_key, before_image, sent, replica, status, expires_at, lease_until
  ) values (
    change_id, intent.account, intent.op_uin, intent.caller_subject, intent.caller_client, intent.caller_issuer,
    intent.gateway_request_id, intent.requested, intent.reason, intent.request_hash, intent.idempotency_key,
    intent.before_image, intent.sent, intent.replica,
    case when p_approval_ms is null then 'pending' else 'awaiting_approval' end,
    clock_timestamp() + make_interval(secs => p_approval_ms / 1000),
    -- Whoever finds a change that has expired settles it, as one that was left.
    clock_timestamp() + make_interval(secs => coalesce(p_approval_ms, p_lease_ms) / 1000)
  );
  return query select case when p_approval_ms is null then 'BEGUN' else 'AWAITING' end, change_id;
end
$$;
-->
-- Settles a change as refused where its time for approval is over, and says whether it was.
create function expire_change(p_id uuid) returns boolean language plpgsql as $$
begin
  if not exists (
    select from mfa_change c
    where c.id = p_id and c.status = 'awaiting_approval' and c.expires_at <= clock_timestamp()
  ) then
    return false;
  end if;
  return settle_change(p_id, 'refused', null, 'APPROVAL_EXPIRED', null, null, null, 0, 0, true, 0);
end
$$;
-->
-- Lets a change go that awaits approval, with the user as read now and the blocks composed from that, or says why not:
--   BEGUN           it is approved, on record, and open; go on
--   DECIDED         it does not await approval (id: that change)
--   OWN             the same subject asked for it, whoever vouches for them
--   EXPIRED         its time was over; it is settled
--   PAUSED, PAUSES, BUSY, STALE   as begin_change
create function approve_change(
  p_id uuid, p_subject text, p_client text, p_issuer text, p_request_id text, p_reason text,
  p_before jsonb, p_sent jsonb, p_replica text, p_lease_ms double precision, p_guard_users integer,
  p_guard_within_ms double precision, p_known_latest uuid, p_read_age_ms double precision
) returns table (verdict text, change_id uuid) language plpgsql as $$
declare
  awaiting mfa_change;
begin
  perform require_read_committed('approve_change');
  perform pg_advisory_xact_lock(hashtextextended('user ' || c.op_uin, 0)) from mfa_change c where c.id = p_id;
  change_id := p_id;
  select * into awaiting from mfa_change c where c.id = p_id and c.status = 'awaiting_approval';
  verdict := case
    when not found then 'DECIDED'
    when awaiting.caller_subject = p_subject then 'OWN'
    when expire_change(p_id) then 'EXPIRED'
  end;
  if verdict is not null then
    return next;
    return;
  end if;
  return query select g.verdict, g.pause_id
    from guard_caller(
      p_subject, p_issuer, awaiting.account, awaiting.op_uin, p_guard_users, p_guard_within_ms
    ) g;
  if found then
    return;
  end if;
  select c.id into change_id from mfa_change c
    where c.account = awaiting.account and c.op_uin = awaiting.op_uin and c.status = 'pending';
  if found then
    return query select 'BUSY', change_id;
    return;
  end if;
  change_id := changed_since(awaiting.account, awaiting.op_uin, p_known_latest, p_read_age_ms);
  if change_id is not null then
    return query select 'STALE', change_id;
    return;
  end if;
  update mfa_change set
    status = 'pending', decision = 'approved', decided_at = clock_timestamp(), decided_by_subject = p_subject,
    decided_by_client = p_client, decided_by_issuer = p_issuer, decision_request_id = p_request_id,
    decision_reason = p_reason, before_image = p_before, sent = p_sent, replica = p_replica,
    let_go = nextval(pg_get_serial_sequence('mfa_change', 'begun')),
    lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000)
  where id = p_id;
  return query select 'BEGUN', p_id;
end
$$;
-->
-- Settles a change that awaits approval as refused, by who asked for it or by another, or says why not:
--   SETTLED   it is
--   DECIDED   it does not await approval
--   EXPIRED   its time was over; it is settled as expired
create function reject_change(
  p_id uuid, p_subject text, p_client text, p_issuer text, p_request_id text, p_reason text, p_replica text
) returns text language plpgsql as $$
begin
  perform require_read_committed('reject_change');
  perform pg_advisory_xact_lock(hashtextextended('user ' || c.op_uin, 0)) from mfa_change c where c.id = p_id;
  if not exists (select from mfa_change c where c.id = p_id and c.status = 'awaiting_approval') then
    return 'DECIDED';
  end if;
  if expire_change(p_id) then
    return 'EXPIRED';
  end if;
  update mfa_change c set
    decision = case
      when c.caller_subject = p_subject and c.caller_issuer is not distinct from p_issuer then 'withdrawn'
      else 'rejected'
    end,
    status = 'refused', finished_at = clock_timestamp(),
    decided_at = clock_timestamp(), decided_by_subject = p_subject, decided_by_client = p_client,
    decided_by_issuer = p_issuer, decision_request_id = p_request_id, decision_reason = p_reason, replica = p_replica
  where c.id = p_id;
  perform settle_change(p_id, 'refused', null, 'APPROVAL_REJECTED', null, null, null, 0, 0, true, 0);
  return 'SETTLED';
end
$$;
