-- The names of the record that misled: what counts an order says so, and what counts read-backs does. What a seal covers
-- is as it was, byte for byte: keys inside sealed JSON never change. Times are the database's clock. A line with an arrow
-- alone separates statements.

-- Orders an approved change by when the gateway sent it, in the sequence of `begun`.
alter table mfa_change rename column let_go to dispatch_order;
-->
-- Orders outcomes by when they were recorded, in the sequence of `begun`.
alter table mfa_change rename column settlement to settle_order;
-->
-- How often the gateway read the user to find the outcome of the change.
alter table mfa_change rename column looks to read_backs;
-->
-- When a replica last claimed the change to read the user.
alter table mfa_change rename column looked_at to read_back_at;
-->
alter index mfa_change_by_look rename to mfa_change_by_read_back;
-->
-- What a seal covers: every column that says something about the change. jsonb prints its keys in a fixed order.
create or replace function change_content(c mfa_change) returns text language sql stable as $$
  select jsonb_build_object(
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
  )::text
$$;
-->
drop function look_delay(integer);
-->
-- How long after one read-back the next one follows, with so many made: 2, 5, 10, 20, 40 and 60 s after the outcome became
-- unknown, each minute to ten minutes, and every ten minutes to 24 hours.
create function read_back_delay(p_read_backs integer) returns interval language sql immutable as $$
  select make_interval(secs => case
    when p_read_backs < 6 then (array[2, 3, 5, 10, 20, 20])[p_read_backs + 1]
    when p_read_backs < 15 then 60
    else 600
  end)
$$;
-->
drop function recent_writes(text, text, double precision);
-->
-- The writes of a user that a read may not show yet, or only in part: applied, or of unknown outcome. CAM may show the old
-- state for 60 s after a write, so these are the writes whose outcome was recorded up to 60 s before the read began.
-- p_read_age_ms is how long ago that was, by the reader's own clock. They come in the order in which CAM heard of them;
-- settle_order is the order of their outcomes. A write whose time lies ahead was settled before the clock was set back: it
-- may be recent, and is among them.
create function recent_writes(p_account text, p_op_uin text, p_read_age_ms double precision)
returns table (
  change_id uuid, status text, before_image jsonb, sent jsonb, finished_at timestamptz, settle_order bigint,
  age_ms double precision
) language plpgsql as $$
declare
  since timestamptz := clock_timestamp() - interval '60 seconds' - make_interval(secs => p_read_age_ms / 1000);
begin
  return query
    select r.id, r.status, r.before_image, r.sent, r.finished_at,
      coalesce(r.settle_order, r.dispatch_order, r.begun),
      extract(epoch from clock_timestamp() - r.finished_at)::double precision * 1000
    from mfa_change r
    where r.account = p_account and r.op_uin = p_op_uin and r.status in ('applied', 'unknown')
      and r.finished_at > since
      -- An outcome that became known late does not matter where a later write has been in force for longer than that.
      and (r.read_backs is null or not exists (
        select from mfa_change later
        where later.account = p_account and later.op_uin = p_op_uin and later.status = 'applied'
          and coalesce(later.dispatch_order, later.begun) > coalesce(r.dispatch_order, r.begun) and later.finished_at <= since
      ))
    order by coalesce(r.dispatch_order, r.begun);
end
$$;
-->
-- The write of a user that the caller has to compose with first, if any. p_known is the settle_order of the latest write
-- that the caller has composed with.
create or replace function changed_since(
  p_account text, p_op_uin text, p_known bigint, p_read_age_ms double precision
) returns uuid language sql volatile as $$
  select w.change_id from recent_writes(p_account, p_op_uin, p_read_age_ms) w
  where w.settle_order > coalesce(p_known, 0)
  order by w.settle_order desc limit 1
$$;
-->
drop function settle_change(uuid, text, text, text, text, text, text, integer, integer, boolean);
-->
-- Records an outcome, and returns its settle_order, its time, and whether it sealed the record. Returns no row where the
-- record was sealed before, and leaves it as it is.
-- An unknown outcome stays open. p_read_back says whether the user was read; the next read-back follows after
-- read_back_delay. The record is sealed once all 158 read-backs of the schedule have been made and 24 hours are over.
create function settle_change(
  p_id uuid, p_status text, p_resolved_by text, p_code text, p_cam_code text, p_cam_action text,
  p_cam_request_id text, p_attempts integer, p_quota_wait_ms integer, p_read_back boolean
) returns table (settle_order bigint, settled_at timestamptz, sealed boolean) language plpgsql as $$
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
    settled.settle_order := nextval(pg_get_serial_sequence('mfa_change', 'begun'));
  end if;
  -- CAM's last code is kept while nothing newer is known.
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
  if p_read_back then
    settled.read_backs := coalesce(settled.read_backs, 0) + 1;
  end if;
  if p_status <> 'unknown'
    or (settled.read_backs >= 158 and settled.finished_at <= clock_timestamp() - interval '24 hours')
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
    -- Without an answer the next read-back follows after half the time that has passed, to spare CAM.
    settled.lease_until := clock_timestamp() + case
      when p_read_back then read_back_delay(settled.read_backs)
      else greatest(
        read_back_delay(coalesce(settled.read_backs, 0)),
        least((clock_timestamp() - settled.finished_at) / 2, interval '10 minutes')
      )
    end;
  end if;
  update mfa_change c set
    status = settled.status, resolved_by = settled.resolved_by, code = settled.code, cam_code = settled.cam_code,
    cam_action = settled.cam_action, cam_request_id = settled.cam_request_id, attempts = settled.attempts,
    quota_wait_ms = settled.quota_wait_ms, finished_at = settled.finished_at, settle_order = settled.settle_order,
    read_backs = settled.read_backs, lease_until = settled.lease_until, seq = settled.seq,
    sealed_content = settled.sealed_content, previous_hash = settled.previous_hash, hash = settled.hash
  where c.id = p_id;
  return query select settled.settle_order, settled.finished_at, settled.seq is not null;
end
$$;
-->
alter function take_over_changes(text, text, integer, double precision, double precision) rename to claim_changes;
-->
-- Claims changes of an account for a replica, for p_lease_ms: those whose time for approval is over, and those whose user
-- is to be read, because a replica abandoned them or because their outcome is unknown. No two replicas claim the same. Once
-- in p_gap_ms it returns up to p_limit whose user is to be read.
create or replace function claim_changes(
  p_account text, p_replica text, p_limit integer, p_gap_ms double precision, p_lease_ms double precision
) returns setof mfa_change language plpgsql as $$
declare
  gap interval := make_interval(secs => p_gap_ms / 1000);
begin
  -- One replica at a time, or two would not see what the other has just claimed.
  if not pg_try_advisory_xact_lock(hashtextextended('claim ' || p_account, 0)) then
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
  -- A read-back that lies ahead was claimed before the clock was set back.
  if exists (
    select from mfa_change c
    where c.account = p_account and c.read_back_at > clock_timestamp() - gap and c.read_back_at <= clock_timestamp()
  ) then
    return;
  end if;
  return query
    update mfa_change c set
      replica = p_replica, lease_until = lease_end(p_lease_ms),
      read_back_at = clock_timestamp()
    where c.id in (
      select o.id from mfa_change o
      where o.seq is null and o.account = p_account and o.status in ('pending', 'unknown')
        and o.lease_until < clock_timestamp()
      -- An abandoned change keeps other changes from the user until its first read-back.
      order by o.status <> 'pending', o.lease_until limit p_limit for update skip locked
    )
    returning c.*;
end
$$;
-->
-- Approves a change, with the user as read now and the flag sets composed from that, or says why not:
--   BEGUN           it is approved, on record, and open; continue
--   DECIDED         it does not await approval (id: that change)
--   OWN             the same person asked for it, by another issuer or in another spelling too
--   EXPIRED         its time was over; it is settled
--   PAUSED, PAUSES, BUSY, STALE   as begin_change
create or replace function approve_change(
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
    dispatch_order = nextval(pg_get_serial_sequence('mfa_change', 'begun')),
    lease_until = lease_end(p_lease_ms)
  where id = p_id;
  return query select 'BEGUN', p_id;
end
$$;
-->
-- As 0006_record_roles.sql does: functions that write run with the rights of their owner, in this schema and no other. The
-- roles that may begin a change may settle it.
do $$
declare
  home constant regnamespace := quote_ident(current_schema())::regnamespace;
  each record;
begin
  for each in
    select p.oid::regprocedure as name from pg_proc p
    where p.pronamespace = home and p.proname in ('settle_change', 'claim_changes', 'approve_change')
  loop
    execute format('revoke execute on function %s from public', each.name);
    execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
  end loop;
  for each in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_proc p, aclexplode(p.proacl) a
    where p.pronamespace = home and p.proname = 'begin_change' and a.grantee <> p.proowner
  loop
    execute format('grant execute on function settle_change to %s', each.role);
  end loop;
end
$$;
