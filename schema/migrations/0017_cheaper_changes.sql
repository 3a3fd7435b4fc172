-- Makes the statements of a change cheaper. The functions do what they did, with fewer statements inside, because each of
-- these costs more than what it reads. A line with an arrow alone separates statements.

-- Stable, as to_char is. PostgreSQL replaces a call by the body of a function only if the body keeps its promise.
create or replace function iso_time(at timestamptz) returns text language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
-->
-- As in 0001, without a query.
create or replace function uuid_v7() returns uuid language plpgsql volatile as $$
declare
  ms constant numeric := extract(epoch from clock_timestamp()) * 1000;
begin
  return lpad(to_hex(floor(ms)::bigint), 12, '0')
    || to_hex(28672 + floor((ms - floor(ms)) * 4096)::integer)
    || substr(replace(gen_random_uuid()::text, '-', ''), 17);
end
$$;
-->
-- As in 0010, in a form that PostgreSQL puts into the statement of the caller.
create or replace function directory_methods(p_flags jsonb) returns smallint language sql immutable as $$
  select (
    (coalesce(p_flags ->> 'phone', '') = 'true')::integer + (coalesce(p_flags ->> 'token', '') = 'true')::integer * 2
    + (coalesce(p_flags ->> 'stoken', '') = 'true')::integer * 4 + (coalesce(p_flags ->> 'wechat', '') = 'true')::integer * 8
    + (coalesce(p_flags ->> 'custom', '') = 'true')::integer * 16 + (coalesce(p_flags ->> 'mail', '') = 'true')::integer * 32
    + (coalesce(p_flags ->> 'u2fToken', '') = 'true')::integer * 64
    + (coalesce(p_flags ->> 'passkey', '') = 'true')::integer * 128
  )::smallint
$$;
-->
create or replace function directory_unreported(p_flags jsonb) returns smallint language sql immutable as $$
  select (
    (p_flags ->> 'phone' is null)::integer + (p_flags ->> 'token' is null)::integer * 2
    + (p_flags ->> 'stoken' is null)::integer * 4 + (p_flags ->> 'wechat' is null)::integer * 8
    + (p_flags ->> 'custom' is null)::integer * 16 + (p_flags ->> 'mail' is null)::integer * 32
    + (p_flags ->> 'u2fToken' is null)::integer * 64 + (p_flags ->> 'passkey' is null)::integer * 128
  )::smallint
$$;
-->
-- As in 0009, with the update of extend_chain in place.
create or replace function settle_change(
  p_id uuid, p_status text, p_resolved_by text, p_code text, p_cam_code text, p_cam_action text,
  p_cam_request_id text, p_attempts integer, p_quota_wait_ms integer, p_read_back boolean
) returns table (settle_order bigint, settled_at timestamptz, sealed boolean) language plpgsql as $$
declare
  c mfa_change;
  uin text;
  digest text;
begin
  select m.op_uin into uin from mfa_change m where m.id = p_id;
  -- Outcomes of one user become visible in the order of settle_order, on which changed_since relies.
  perform pg_advisory_xact_lock(hashtextextended('user ' || uin, 0));
  select * into c from mfa_change m where m.id = p_id for update;
  if not found then
    raise exception 'there is no change %', p_id using errcode = 'no_data_found';
  end if;
  if c.hash is not null then
    return;
  end if;
  if c.status = 'awaiting_approval' and c.expires_at > clock_timestamp() then
    raise exception 'change % awaits approval, and its time is not over', p_id using errcode = 'check_violation';
  end if;
  if c.status <> p_status then
    c.finished_at := clock_timestamp();
    c.settle_order := nextval('mfa_change_begun_seq');
  end if;
  -- CAM's last code is kept while nothing newer is known.
  if p_cam_code is not null or p_status <> 'unknown' then
    c.cam_code := p_cam_code;
    c.cam_action := p_cam_action;
    c.cam_request_id := p_cam_request_id;
  end if;
  c.status := p_status;
  c.resolved_by := p_resolved_by;
  c.code := p_code;
  c.attempts := c.attempts + p_attempts;
  c.quota_wait_ms := c.quota_wait_ms + p_quota_wait_ms;
  if p_read_back then
    c.read_backs := coalesce(c.read_backs, 0) + 1;
  end if;
  if p_status <> 'unknown' or (c.read_backs >= 158 and c.finished_at <= clock_timestamp() - interval '24 hours') then
    c.lease_until := null;
    c.sealed_content := change_content(c);
    c.chain := 'account:' || c.account;
    -- Last, so that the lock of the chain is held for the shortest time.
    digest := encode(sha256(convert_to(c.sealed_content, 'UTF8')), 'hex');
    update record_chain r
      set seq = r.seq + 1, previous_hash = r.hash, hash = encode(sha256(convert_to(r.hash || digest, 'UTF8')), 'hex')
      where r.chain = c.chain
      returning r.seq, r.previous_hash, r.hash into c.chain_seq, c.previous_hash, c.hash;
    if not found then
      select e.seq, e.previous_hash, e.hash into c.chain_seq, c.previous_hash, c.hash
        from extend_chain(c.chain, c.sealed_content) e;
    end if;
  else
    -- Without an answer the next read-back follows after half the time that has passed, to spare CAM.
    c.lease_until := clock_timestamp() + case
      when p_read_back then read_back_delay(c.read_backs)
      else greatest(
        read_back_delay(coalesce(c.read_backs, 0)), least((clock_timestamp() - c.finished_at) / 2, interval '10 minutes')
      )
    end;
  end if;
  update mfa_change m set
    status = c.status, resolved_by = c.resolved_by, code = c.code, cam_code = c.cam_code, cam_action = c.cam_action,
    cam_request_id = c.cam_request_id, attempts = c.attempts, quota_wait_ms = c.quota_wait_ms,
    finished_at = c.finished_at, settle_order = c.settle_order, read_backs = c.read_backs, lease_until = c.lease_until,
    chain = c.chain, chain_seq = c.chain_seq, sealed_content = c.sealed_content, previous_hash = c.previous_hash,
    hash = c.hash
  where m.id = p_id;
  settle_order := c.settle_order;
  settled_at := c.finished_at;
  sealed := c.hash is not null;
  return next;
end
$$;
-->
-- As in 0011. Where passes_guard does not let the caller pass, it counts exactly, for one transaction of the caller at a time.
create or replace function guard_caller(
  p_subject text, p_issuer text, p_account text, p_op_uin text, p_users integer, p_within_ms double precision
) returns table (verdict text, pause_id uuid) language plpgsql as $$
declare
  owner constant text := coalesce(p_issuer, '');
  since timestamptz;
  touched integer;
begin
  if passes_guard(p_subject, p_issuer, p_users) then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('caller ' || p_subject || ' ' || owner, 0));
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
-- Whether the bulk guard lets a caller pass without counting exactly: the guard is off, or the caller is far from the limit
-- and not paused. Callers far from the limit share the lock. Each connection adds one user at most, so as many shared
-- holders as there are connections cannot reach the limit together.
create function passes_guard(p_subject text, p_issuer text, p_users integer) returns boolean language plpgsql as $$
declare
  owner constant text := coalesce(p_issuer, '');
  far_below constant integer := p_users - current_setting('max_connections')::integer;
begin
  if p_users = 0 then
    return true;
  elsif far_below <= 0 then
    return false;
  end if;
  perform pg_advisory_xact_lock_shared(hashtextextended('caller ' || p_subject || ' ' || owner, 0));
  if exists (
    select from caller_pause p
    where p.subject = p_subject and coalesce(p.issuer, '') = owner and p.resumed_at is null
  ) or (
    select sum(a.users) from caller_account a where a.subject = p_subject and a.issuer = owner
  ) >= far_below then
    -- Releases the lock: two holders that both asked for more would wait for each other.
    raise exception using errcode = 'CG001';
  end if;
  return true;
exception when sqlstate 'CG001' then
  return false;
end
$$;
-->
-- As in 0009, but removes users whose time is over at every tenth new user.
create or replace function note_user(
  p_subject text, p_issuer text, p_account text, p_op_uin text, p_users integer, p_within_ms double precision
) returns void language plpgsql as $$
declare
  owner constant text := coalesce(p_issuer, '');
  -- As a constant it is a condition of the index.
  since constant timestamptz := clock_timestamp() - make_interval(secs => p_within_ms / 1000);
  is_new boolean;
  known integer;
  removed integer;
begin
  if p_users = 0 then
    return;
  end if;
  insert into caller_user as u (subject, issuer, account, op_uin, changed_at)
    values (p_subject, owner, p_account, p_op_uin, clock_timestamp())
    on conflict (subject, issuer, account, op_uin) do update set changed_at = excluded.changed_at
    returning xmax = 0 into is_new;
  if not is_new then
    return;
  end if;
  insert into caller_account as a (subject, issuer, account, users) values (p_subject, owner, p_account, 1)
    on conflict (subject, issuer, account) do update set users = a.users + 1
    returning a.users into known;
  if known % 10 > 0 then
    return;
  end if;
  delete from caller_user u where u.ctid = any (array(
    select o.ctid from caller_user o
    where o.issuer || ' ' || o.subject = owner || ' ' || p_subject and o.account = p_account and o.changed_at <= since
    order by o.changed_at limit 20 for update skip locked
  ));
  get diagnostics removed = row_count;
  if removed > 0 then
    update caller_account a set users = a.users - removed
      where a.subject = p_subject and a.issuer = owner and a.account = p_account;
  end if;
end
$$;
-->
-- As in 0011, with one look for other changes of the user before the statements that need them.
create or replace function begin_change(
  p_intent jsonb, p_lease_ms double precision, p_approval_ms double precision, p_guard_users integer,
  p_guard_within_ms double precision, p_known bigint, p_read_age_ms double precision
) returns table (verdict text, change_id uuid) language plpgsql as $$
declare
  intent mfa_change := jsonb_populate_record(null::mfa_change, p_intent);
  -- A policy gives a week at most.
  approval_end timestamptz := clock_timestamp()
    + case when p_approval_ms > 604800000 then interval '7 days' else make_interval(secs => p_approval_ms / 1000) end;
  since timestamptz := clock_timestamp() - interval '60 seconds' - make_interval(secs => p_read_age_ms / 1000);
  has_others boolean;
  under_way record;
  other record;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform require_read_committed('begin_change');
  end if;
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
  -- Most users have no other change that matters, and then one statement says so.
  has_others := exists (
    select from mfa_change c
    where c.account = intent.account and c.op_uin = intent.op_uin and c.status in ('awaiting_approval', 'pending')
  ) or exists (
    select from mfa_change c
    where c.account = intent.account and c.op_uin = intent.op_uin and c.status in ('applied', 'unknown')
      and c.created_at > since - interval '9 days' and c.finished_at > since
  );
  if has_others then
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
  end if;
  -- The function would begin with this too. Here it costs no query.
  if not passes_guard(intent.caller_subject, intent.caller_issuer, p_guard_users) then
    return query select g.verdict, g.pause_id from guard_caller(
      intent.caller_subject, intent.caller_issuer, intent.account, intent.op_uin, p_guard_users, p_guard_within_ms
    ) g;
    if found then
      return;
    end if;
  end if;
  if has_others then
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
  end if;
  perform note_user(
    intent.caller_subject, intent.caller_issuer, intent.account, intent.op_uin, p_guard_users, p_guard_within_ms
  );
  change_id := uuid_v7();
  verdict := case when p_approval_ms is null then 'BEGUN' else 'AWAITING' end;
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
  return next;
end
$$;
-->
-- As in 0007, without calls for what is rare: a row that is missing, and a window that is longer after a throttle.
create or replace function take_slot(
  p_secret_id text, p_action text, p_replica text, p_rate_per_second integer, p_bulk boolean,
  p_within_ms double precision, p_adjusted double precision[], p_adjusted_to double precision[], p_outlook boolean
) returns table (
  granted boolean, slot_ms double precision, now_ms double precision, window_ms double precision,
  has_others boolean, outlook json
) language plpgsql as $$
declare
  w quota_window;
  owner integer := hashtext(p_replica);
  n integer;
  first_kept integer := 1;
begin
  select * into w from quota_window q where q.secret_id = p_secret_id and q.action = p_action for update;
  if not found then
    w := lock_quota_window(p_secret_id, p_action);
  end if;
  now_ms := extract(epoch from clock_timestamp()) * 1000;
  window_ms := window_ms(case when w.backoff > 0 then backoff_at(w, now_ms) else 0 end);
  if cardinality(p_adjusted) > 0 then
    select coalesce(array_agg(c.s order by c.s), '{}'), coalesce(array_agg(c.o order by c.s), '{}'),
      coalesce(array_agg(c.b order by c.s), '{}')
    into w.slots, w.owners, w.bulk
    from (
      select case when t.s is null then u.s else t.moved end as s, u.o, u.b
      from unnest(w.slots, w.owners, w.bulk) as u(s, o, b)
      left join unnest(p_adjusted, p_adjusted_to) as t(s, moved) on t.s = u.s and u.o = owner
    ) c
    where c.s is not null;
  end if;
  n := cardinality(w.slots);
  slot_ms := greatest(
    now_ms,
    w.paused_until,
    w.slots[n] + window_ms / p_rate_per_second * case when p_bulk then 0.9 else 0.1 end,
    w.slots[n - p_rate_per_second + 1] + window_ms
  );
  granted := slot_ms <= now_ms + p_within_ms;
  if granted then
    -- A call may turn out to have come up to a second late, and then its slot is needed so much longer.
    while w.slots[first_kept] < now_ms - window_ms - 1100 loop
      first_kept := first_kept + 1;
    end loop;
    w.slots := (w.slots || slot_ms)[first_kept:];
    w.owners := (w.owners || owner)[first_kept:];
    w.bulk := (w.bulk || p_bulk)[first_kept:];
  end if;
  if granted or cardinality(p_adjusted) > 0 then
    update quota_window q set slots = w.slots, owners = w.owners, bulk = w.bulk
    where q.secret_id = p_secret_id and q.action = p_action;
  end if;
  has_others := cardinality(array_remove(w.owners, owner)) > 0;
  if p_outlook then
    outlook := window_outlook(w, p_rate_per_second, owner, now_ms);
  end if;
  return next;
end
$$;
-->
-- As in 0009: functions that write run with the rights of their owner, in this schema and no other.
do $$
declare
  each record;
begin
  for each in
    select p.oid::regprocedure as name from pg_proc p
    where p.pronamespace = quote_ident(current_schema())::regnamespace
      and p.proname in ('begin_change', 'settle_change', 'take_slot')
  loop
    execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
  end loop;
end
$$;
-->
revoke execute on function passes_guard from public;
