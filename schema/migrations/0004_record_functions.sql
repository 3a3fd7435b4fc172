-- The functions of the record, as of this release. Times are the database's clock. A line with an arrow alone separates
-- statements.

-- The change of a user that ended since the user was read, if any. p_known_latest is the last change that the caller
-- knows its read to come after. p_read_age_ms is how long ago, by the caller's own clock, that read began; five seconds
-- are added for the way of the statement. They are not for p_known_latest, which is only new again where its outcome was
-- settled a second time since the read.
create or replace function changed_since(
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
create or replace function begin_change(
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
-- Records an outcome; false where the record is sealed already, and therefore stays as it is. An outcome that may still become known
-- (sealed false) is written and left for the reconciler, which may take it up again after p_lease_ms.
create or replace function settle_change(
  p_id uuid, p_status text, p_resolved_by text, p_code text, p_cam_code text, p_cam_action text,
  p_cam_request_id text, p_attempts integer, p_quota_wait_ms integer, p_seal boolean, p_lease_ms double precision
) returns boolean language plpgsql as $$
declare
  settled mfa_change;
  chain audit_chain;
  content text;
  new_hash text;
begin
  perform pg_advisory_xact_lock(hashtextextended('user ' || c.op_uin, 0)) from mfa_change c where c.id = p_id;
  update mfa_change set
    status = p_status, resolved_by = p_resolved_by, code = p_code, cam_code = p_cam_code,
    cam_action = p_cam_action, cam_request_id = p_cam_request_id, attempts = attempts + p_attempts,
    quota_wait_ms = quota_wait_ms + p_quota_wait_ms, finished_at = clock_timestamp(),
    lease_until = case when p_seal then null else clock_timestamp() + make_interval(secs => p_lease_ms / 1000) end
  where id = p_id and seq is null
  returning * into settled;
  if not found then
    if not exists (select from mfa_change where id = p_id) then
      raise exception 'there is no change %', p_id using errcode = 'no_data_found';
    end if;
    return false;
  end if;
  if p_seal then
    select * into chain from audit_chain for update;
    content := change_content(settled);
    new_hash := encode(sha256(convert_to(chain.hash || content, 'UTF8')), 'hex');
    update mfa_change set seq = chain.seq + 1, sealed_content = content, previous_hash = chain.hash, hash = new_hash
      where id = p_id;
    update audit_chain set seq = chain.seq + 1, hash = new_hash;
  end if;
  return true;
end
$$;
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
create or replace function approve_change(
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
  perform settle_change(p_id, 'refused', null, 'APPROVAL_REJECTED', null, null, null, 0, 0, true, 0);
  return 'SETTLED';
end
$$;
