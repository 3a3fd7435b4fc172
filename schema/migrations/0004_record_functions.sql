-- The functions of the record, as of this release. Times are the database's clock. A line with an arrow alone separates
-- statements.

alter table mfa_change
  -- Counts the settlements of changes among those of `begun`, in the order in which they were made, whatever the clock
  -- does. Null for changes that an earlier release settled, and for changes that are not settled.
  add column settlement bigint,
  -- How often the user was read to find out what became of this change. Null before the first look.
  add column looks integer,
  -- When a replica was last told to look.
  add column looked_at timestamptz,
  -- Only of a change that another caller has to approve: a MAC over what was asked for, and the fingerprint of its key.
  -- See src/audit/request-seal.ts.
  add column request_mac text,
  add column request_key text;
-->
-- What a seal covers: every column that says something about the change. jsonb prints its keys in a fixed order.
create or replace function change_content(c mfa_change) returns text language sql stable as $$
  select jsonb_build_object(
    'id', c.id, 'account', c.account, 'opUin', c.op_uin, 'callerSubject', c.caller_subject,
    'callerClient', c.caller_client, 'callerIssuer', c.caller_issuer, 'gatewayRequestId', c.gateway_request_id,
    'requested', c.requested, 'reason', c.reason, 'requestHash', c.request_hash, 'idempotencyKey', c.idempotency_key,
    'before', c.before_image, 'sent', c.sent, 'status', c.status, 'resolvedBy', c.resolved_by, 'code', c.code,
    'camCode', c.cam_code, 'camAction', c.cam_action, 'camRequestId', c.cam_request_id, 'attempts', c.attempts,
    'quotaWaitMs', c.quota_wait_ms, 'looks', c.looks, 'replica', c.replica, 'createdAt', iso_time(c.created_at),
    'finishedAt', iso_time(c.finished_at), 'expiresAt', iso_time(c.expires_at), 'decision', c.decision,
    'decidedAt', iso_time(c.decided_at), 'decidedBySubject', c.decided_by_subject,
    'decidedByClient', c.decided_by_client, 'decidedByIssuer', c.decided_by_issuer,
    'decisionRequestId', c.decision_request_id, 'decisionReason', c.decision_reason, 'requestMac', c.request_mac,
    'requestKey', c.request_key
  )::text
$$;
-->
-- The end of a lease, which is at most the longest CAM_DEADLINE_MS and a minute.
create function lease_end(p_lease_ms double precision) returns timestamptz language sql volatile as $$
  select clock_timestamp() + make_interval(secs => least(coalesce(p_lease_ms, 0), 360000) / 1000)
$$;
-->
drop function changed_since(text, text, uuid, double precision);
-->
drop function begin_change(jsonb, double precision, double precision, integer, double precision, uuid, double precision);
-->
drop function approve_change(
  uuid, text, text, text, text, text, jsonb, jsonb, text, double precision, integer, double precision, uuid,
  double precision
);
-->
drop function settle_change(
  uuid, text, text, text, text, text, text, integer, integer, boolean, double precision
);
-->
-- The writes of a user that a read may not show yet, or only in part: applied, or of unknown outcome. CAM may show for
-- 60 s what was so before a write, so these are the writes that were settled up to 60 s before the read began.
-- p_read_age_ms is how long ago that was, by the reader's own clock. They come in the order in which CAM heard of them.
-- `counted` orders their settlements. A write whose time lies ahead was settled before the clock was set back: it may
-- be recent, and is among them.
create function recent_writes(p_account text, p_op_uin text, p_read_age_ms double precision)
returns table (
  change_id uuid, status text, before_image jsonb, sent jsonb, finished_at timestamptz, counted bigint,
  age_ms double precision
) language plpgsql as $$
declare
  since timestamptz := clock_timestamp() - interval '60 seconds' - make_interval(secs => p_read_age_ms / 1000);
begin
  return query
    select r.id, r.status, r.before_image, r.sent, r.finished_at,
      coalesce(r.settlement, r.let_go, r.begun),
      extract(epoch from clock_timestamp() - r.finished_at)::double precision * 1000
    from mfa_change r
    where r.account = p_account and r.op_uin = p_op_uin and r.status in ('applied', 'unknown')
      and r.finished_at > since
      -- An outcome that became known late is no news where a later write has been in force for longer than that.
      and (r.looks is null or not exists (
        select from mfa_change later
        where later.account = p_account and later.op_uin = p_op_uin and later.status = 'applied'
          and coalesce(later.let_go, later.begun) > coalesce(r.let_go, r.begun) and later.finished_at <= since
      ))
    order by coalesce(r.let_go, r.begun);
end
$$;
-->
-- The write of a user that the caller has to compose with first, if any. p_known is the settlement, as recent_writes
-- counts them, of the latest write that the caller has composed with.
create function changed_since(
  p_account text, p_op_uin text, p_known bigint, p_read_age_ms double precision
) returns uuid language sql volatile as $$
  select w.change_id from recent_writes(p_account, p_op_uin, p_read_age_ms) w
  where w.counted > coalesce(p_known, 0)
  order by w.counted desc limit 1
$$;
-->
-- Whether the bulk guard stands in the way of a caller who asks for, or approves, a change of a user:
--   PAUSED  an operator has to resume the caller (id: the pause)
--   PAUSES  the caller is paused by this, having come to more than p_users different users within p_within_ms since
--           they were last resumed (id: the pause)
-- and nothing where it does not. With p_users of 0 it never does.
create or replace function guard_caller(
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
      -- Every status there is: the index has it before the time.
      where c.caller_subject = p_subject and c.caller_issuer is not distinct from p_issuer and c.created_at > since
        and c.status = any ('{awaiting_approval,pending,applied,refused,unknown}')
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
alter table mfa_change
  -- The caller and who decided, as one person is known under all spellings of a subject (src/person.ts). Null in records of
  -- earlier releases. They follow from the subjects, so the seal need not cover them.
  add column caller_person text,
  add column decided_by_person text,
  drop constraint mfa_change_approved_by_another,
  add constraint mfa_change_approved_by_another check (
    decision is distinct from 'approved'
    or (decided_by_subject <> caller_subject and coalesce(decided_by_person <> caller_person, true))
  );
-->
-- The switches that a request asks for, in one form: a method that is left out and one that is null are the same.
create function asked_effect(p_requested jsonb) returns jsonb language sql immutable as $$
  select jsonb_build_array(
    p_requested #>> '{login,phone}', p_requested #>> '{login,stoken}', p_requested #>> '{login,wechat}',
    p_requested #>> '{action,phone}', p_requested #>> '{action,stoken}', p_requested #>> '{action,wechat}',
    coalesce(p_requested ->> 'overwriteOtherMethods', 'false')
  )
$$;
-->
-- Records the intent to change a user, whose keys are columns of mfa_change, or says why not:
--   BEGUN           the change is on record; go on
--   AWAITING        the change is on record, and another caller has to approve it
--   JOIN            the same change is open, or one of the same effect, whatever its reason, awaits approval for the
--                   same caller (id: that change). Not with an idempotency key, under which a record of its own has to
--                   be found for a day
--   FULL            five changes of this user that the same person asked for await approval (id: the oldest)
--   PAUSED, PAUSES  the bulk guard stands in the way (see guard_caller; id: the pause)
--   BUSY            a change of this user that cannot be joined is open (id: that change)
--   STALE           the caller has not composed with the latest recent write of this user (id: that change); see
--                   recent_writes
--   REPLAY          the idempotency key belongs to this very request, made earlier (id: that change)
--   KEY_REUSED      the idempotency key belongs to another request (id: that change)
-- p_approval_ms is how long another caller has to approve the change, and null where nobody has to. What awaits
-- approval is composed anew when it is approved, so neither another open change nor a recent write stands in its way.
create function begin_change(
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
  change_id := uuid_v7();
  insert into mfa_change (
    id, account, op_uin, caller_subject, caller_person, caller_client, caller_issuer, gateway_request_id, requested, reason,
    request_hash, idempotency_key, before_image, sent, replica, status, expires_at, lease_until
  ) values (
    change_id, intent.account, intent.op_uin, intent.caller_subject, intent.caller_person, intent.caller_client, intent.caller_issuer,
    intent.gateway_request_id, intent.requested, intent.reason, intent.request_hash, intent.idempotency_key,
    intent.before_image, intent.sent, intent.replica,
    case when p_approval_ms is null then 'pending' else 'awaiting_approval' end,
    approval_end,
    -- Whoever finds a change that has expired settles it, as one that was left.
    coalesce(approval_end, lease_end(p_lease_ms))
  );
  return query select case when p_approval_ms is null then 'BEGUN' else 'AWAITING' end, change_id;
end
$$;
-->
-- How long after one look at a user the next one follows, with so many looks made: 2, 5, 10, 20, 40 and 60 s after the
-- outcome became unknown, each minute to ten minutes, and every ten minutes to 24 hours.
create function look_delay(p_looks integer) returns interval language sql immutable as $$
  select make_interval(secs => case
    when p_looks < 6 then (array[2, 3, 5, 10, 20, 20])[p_looks + 1]
    when p_looks < 15 then 60
    else 600
  end)
$$;
-->
-- Records an outcome, and gives the settlement that it is, with its time, and whether the record is sealed by it. No row
-- where the record was sealed before, and therefore stays as it is.
-- An unknown outcome stays open: p_looked says whether the user was read, and the next look follows after look_delay.
-- It is sealed once all 158 looks of the schedule have been made and 24 hours are over.
create function settle_change(
  p_id uuid, p_status text, p_resolved_by text, p_code text, p_cam_code text, p_cam_action text,
  p_cam_request_id text, p_attempts integer, p_quota_wait_ms integer, p_looked boolean
) returns table (counted bigint, settled_at timestamptz, sealed boolean) language plpgsql as $$
declare
  settled mfa_change;
  chain audit_chain;
  content text;
  new_hash text;
begin
  perform pg_advisory_xact_lock(hashtextextended('user ' || c.op_uin, 0)) from mfa_change c where c.id = p_id;
  select * into settled from mfa_change c where c.id = p_id for update;
  if not found then
    raise exception 'there is no change %', p_id using errcode = 'no_data_found';
  end if;
  if settled.seq is not null then
    return;
  end if;
  if settled.status = 'awaiting_approval' and settled.expires_at > clock_timestamp() then
    raise exception 'change % awaits approval, and its time is not over', p_id using errcode = 'check_violation';
  end if;
  if settled.status <> p_status then
    settled.finished_at := clock_timestamp();
    settled.settlement := nextval(pg_get_serial_sequence('mfa_change', 'begun'));
  end if;
  -- What CAM said last is kept while nothing newer is known.
  if p_cam_code is not null or p_status <> 'unknown' then
    settled.cam_code := p_cam_code;
    settled.cam_action := p_cam_action;
    settled.cam_request_id := p_cam_request_id;
  end if;
  settled.status := p_status;
  settled.resolved_by := p_resolved_by;
  settled.code := p_code;
  settled.attempts := settled.attempts + p_attempts;
  settled.quota_wait_ms := settled.quota_wait_ms + p_quota_wait_ms;
  if p_looked then
    settled.looks := coalesce(settled.looks, 0) + 1;
  end if;
  if p_status <> 'unknown'
    or (settled.looks >= 158 and settled.finished_at <= clock_timestamp() - interval '24 hours')
  then
    settled.lease_until := null;
    select * into chain from audit_chain for update;
    content := change_content(settled);
    new_hash := encode(sha256(convert_to(chain.hash || content, 'UTF8')), 'hex');
    settled.seq := chain.seq + 1;
    settled.sealed_content := content;
    settled.previous_hash := chain.hash;
    settled.hash := new_hash;
    update audit_chain set seq = chain.seq + 1, hash = new_hash;
  else
    -- A user who cannot be read is looked at again after half the time that has passed, so that CAM is left alone.
    settled.lease_until := clock_timestamp() + case
      when p_looked then look_delay(settled.looks)
      else greatest(
        look_delay(coalesce(settled.looks, 0)),
        least((clock_timestamp() - settled.finished_at) / 2, interval '10 minutes')
      )
    end;
  end if;
  update mfa_change c set
    status = settled.status, resolved_by = settled.resolved_by, code = settled.code, cam_code = settled.cam_code,
    cam_action = settled.cam_action, cam_request_id = settled.cam_request_id, attempts = settled.attempts,
    quota_wait_ms = settled.quota_wait_ms, finished_at = settled.finished_at, settlement = settled.settlement,
    looks = settled.looks, lease_until = settled.lease_until, seq = settled.seq,
    sealed_content = settled.sealed_content, previous_hash = settled.previous_hash, hash = settled.hash
  where c.id = p_id;
  return query select settled.settlement, settled.finished_at, settled.seq is not null;
end
$$;
-->
-- Hands changes of an account to a replica, whose they are for p_lease_ms: those whose time for approval is over, and
-- those whose user is to be read, because a replica left them or because their outcome is unknown. No two replicas get
-- the same. Once in p_gap_ms it hands out up to p_limit whose user is to be read.
create function take_over_changes(
  p_account text, p_replica text, p_limit integer, p_gap_ms double precision, p_lease_ms double precision
) returns setof mfa_change language plpgsql as $$
declare
  gap interval := make_interval(secs => p_gap_ms / 1000);
begin
  -- One replica at a time, or two would not see what the other has just handed out.
  if not pg_try_advisory_xact_lock(hashtextextended('looks ' || p_account, 0)) then
    return;
  end if;
  -- No lease is as long. The clock was set back, and the replica may still be at work.
  update mfa_change c set lease_until = clock_timestamp() + interval '1 minute'
    where c.id in (
      select o.id from mfa_change o
      where o.seq is null and o.account = p_account and o.status in ('pending', 'unknown')
        and o.lease_until > clock_timestamp() + interval '20 minutes'
      for update skip locked
    );
  return query
    update mfa_change c set
      replica = p_replica, lease_until = lease_end(p_lease_ms)
    where c.id in (
      select o.id from mfa_change o
      where o.seq is null and o.account = p_account and o.status = 'awaiting_approval'
        and o.lease_until < clock_timestamp()
      order by o.lease_until limit greatest(p_limit, 20) for update skip locked
    )
    returning c.*;
  -- A look that lies ahead was made before the clock was set back.
  if exists (
    select from mfa_change c
    where c.account = p_account and c.looked_at > clock_timestamp() - gap and c.looked_at <= clock_timestamp()
  ) then
    return;
  end if;
  return query
    update mfa_change c set
      replica = p_replica, lease_until = lease_end(p_lease_ms),
      looked_at = clock_timestamp()
    where c.id in (
      select o.id from mfa_change o
      where o.seq is null and o.account = p_account and o.status in ('pending', 'unknown')
        and o.lease_until < clock_timestamp()
      -- A change that its replica left keeps others from the user until it was looked at once.
      order by o.status <> 'pending', o.lease_until limit p_limit for update skip locked
    )
    returning c.*;
end
$$;
-->
create index mfa_change_by_look on mfa_change (account, looked_at desc) where looked_at is not null;
-->
-- Settles a change as refused where its time for approval is over, and says whether it was.
create or replace function expire_change(p_id uuid) returns boolean language plpgsql as $$
begin
  if not exists (
    select from mfa_change c
    where c.id = p_id and c.status = 'awaiting_approval' and c.expires_at <= clock_timestamp()
  ) then
    return false;
  end if;
  return exists (
    select from settle_change(p_id, 'refused', null, 'APPROVAL_EXPIRED', null, null, null, 0, 0, false)
  );
end
$$;
-->
-- Lets a change go that awaits approval, with the user as read now and the blocks composed from that, or says why not:
--   BEGUN           it is approved, on record, and open; go on
--   DECIDED         it does not await approval (id: that change)
--   OWN             the same person asked for it, by another issuer or in another spelling too
--   EXPIRED         its time was over; it is settled
--   PAUSED, PAUSES, BUSY, STALE   as begin_change
create function approve_change(
  p_id uuid, p_subject text, p_person text, p_client text, p_issuer text, p_request_id text, p_reason text,
  p_before jsonb, p_sent jsonb, p_replica text, p_lease_ms double precision, p_guard_users integer,
  p_guard_within_ms double precision, p_known bigint, p_read_age_ms double precision
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
    when p_subject = awaiting.caller_subject or p_person = coalesce(awaiting.caller_person, awaiting.caller_subject)
      then 'OWN'
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
  change_id := changed_since(awaiting.account, awaiting.op_uin, p_known, p_read_age_ms);
  if change_id is not null then
    return query select 'STALE', change_id;
    return;
  end if;
  update mfa_change set
    status = 'pending', decision = 'approved', decided_at = clock_timestamp(), decided_by_subject = p_subject,
    decided_by_person = p_person, decided_by_client = p_client, decided_by_issuer = p_issuer, decision_request_id = p_request_id,
    decision_reason = p_reason, before_image = p_before, sent = p_sent, replica = p_replica,
    let_go = nextval(pg_get_serial_sequence('mfa_change', 'begun')),
    lease_until = lease_end(p_lease_ms)
  where id = p_id;
  return query select 'BEGUN', p_id;
end
$$;
-->
-- Settles a change that awaits approval as refused, by who asked for it or by another, or says why not:
--   SETTLED   it is
--   DECIDED   it does not await approval
--   EXPIRED   its time was over; it is settled as expired
create or replace function reject_change(
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
  perform settle_change(p_id, 'refused', null, 'APPROVAL_REJECTED', null, null, null, 0, 0, false);
  return 'SETTLED';
end
$$;
