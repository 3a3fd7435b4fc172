-- Begins and settles several changes in one statement, and takes slots of several windows. Most of the cost of a statement
-- inside a function does not depend on its number of rows. A batch takes what it can lock at once and leaves the rest to
-- the functions for one change, so that no change waits for another user. A line with an arrow alone separates statements.

-- As in 0010, once for all changes that a statement settles. The order keeps two statements from waiting for each other in
-- a circle.
drop trigger mfa_change_directory on mfa_change;
-->
create or replace function directory_follow_change() returns trigger language plpgsql as $$
begin
  insert into directory_user as d (
    account, op_uin, login_methods, action_methods, login_unreported, action_unreported, protections_as_of, source,
    trust_reads_from
  )
  select c.account, c.op_uin, directory_methods(f.login), directory_methods(f.action), directory_unreported(f.login),
    directory_unreported(f.action), clock_timestamp(), 'CHANGE', clock_timestamp() + interval '60 seconds'
  from later c join earlier e using (id)
  cross join lateral (
    -- Written methods replace what was read. The other methods stay. The offset keeps the expressions from repetition.
    select coalesce(c.before_image -> 'login', '{}') || coalesce(c.sent -> 'login', '{}') as login,
      coalesce(c.before_image -> 'action', '{}') || coalesce(c.sent -> 'action', '{}') as action
    offset 0
  ) f
  where c.status = 'applied' and e.status <> 'applied'
  order by c.account, c.op_uin
  on conflict (account, op_uin) do update set
    login_methods = excluded.login_methods, action_methods = excluded.action_methods,
    login_unreported = excluded.login_unreported, action_unreported = excluded.action_unreported,
    protections_as_of = excluded.protections_as_of, source = excluded.source,
    trust_reads_from = excluded.trust_reads_from, missing = 0, gone_at = null;
  if not exists (select from later c where c.status in ('refused', 'unknown')) then
    return null;
  end if;
  perform from directory_user d
    where (d.account, d.op_uin) in (select c.account, c.op_uin from later c) order by d.account, d.op_uin for update;
  update directory_user d set trust_reads_from = clock_timestamp()
    from later c join earlier e using (id)
    where d.account = c.account and d.op_uin = c.op_uin and c.status = 'refused' and e.status = 'unknown';
  update directory_user d set
    login_methods = null, action_methods = null, login_unreported = null, action_unreported = null,
    protections_as_of = null, source = null, trust_reads_from = clock_timestamp() + interval '60 seconds'
    from later c join earlier e using (id)
    where d.account = c.account and d.op_uin = c.op_uin and c.status = 'unknown' and e.status <> 'unknown';
  return null;
end
$$;
-->
create trigger mfa_change_directory after update on mfa_change
  referencing old table as earlier new table as later for each statement execute function directory_follow_change();
-->
alter table mfa_change enable always trigger mfa_change_directory;
-->
-- Returns a change with an outcome, and with the content to seal if the outcome is final.
create function with_outcome(
  c mfa_change, p_status text, p_resolved_by text, p_code text, p_cam_code text, p_cam_action text,
  p_cam_request_id text, p_attempts integer, p_quota_wait_ms integer, p_read_back boolean
) returns mfa_change language plpgsql as $$
begin
  if c.status = 'awaiting_approval' and c.expires_at > clock_timestamp() then
    raise exception 'change % awaits approval, and its time is not over', c.id using errcode = 'check_violation';
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
  else
    -- Without an answer the next read-back follows after half the time that has passed, to spare CAM.
    c.lease_until := clock_timestamp() + case
      when p_read_back then read_back_delay(c.read_backs)
      else greatest(
        read_back_delay(coalesce(c.read_backs, 0)), least((clock_timestamp() - c.finished_at) / 2, interval '10 minutes')
      )
    end;
  end if;
  return c;
end
$$;
-->
-- As in 0017, by with_outcome.
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
  c := with_outcome(
    c, p_status, p_resolved_by, p_code, p_cam_code, p_cam_action, p_cam_request_id, p_attempts, p_quota_wait_ms, p_read_back
  );
  if c.chain is not null then
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
-- Records outcomes, and returns those that it recorded: of each account at most one, and none whose user is locked.
create function settle_changes(p_outcomes jsonb) returns table (
  change_id uuid, settle_order bigint, settled_at timestamptz, sealed boolean
) language plpgsql as $$
declare
  outcomes jsonb;
  o record;
  c mfa_change;
  settled mfa_change[] := '{}';
  chains text[] := '{}';
begin
  select jsonb_agg(l.outcome) filter (where l.is_locked) into outcomes from (
    select f.outcome, pg_try_advisory_xact_lock(hashtextextended('user ' || f.op_uin, 0)) as is_locked from (
      select distinct on (m.account) m.op_uin, a.outcome
      from jsonb_array_elements(p_outcomes) a (outcome)
      cross join lateral (
        select n.account, n.op_uin from mfa_change n where n.id = (a.outcome ->> 'id')::uuid limit 1
      ) m
      order by m.account
    ) f
  ) l;
  for o in
    select x.*, m.change from jsonb_to_recordset(outcomes) x (
      id uuid, status text, resolved_by text, code text, cam_code text, cam_action text, cam_request_id text,
      attempts integer, quota_wait_ms integer, read_back boolean
    ) cross join lateral (
      select n as change from mfa_change n where n.id = x.id and n.hash is null for no key update
    ) m
  loop
    c := with_outcome(
      o.change, o.status, o.resolved_by, o.code, o.cam_code, o.cam_action, o.cam_request_id, o.attempts,
      o.quota_wait_ms, o.read_back
    );
    settled := settled || c;
    if c.chain is not null then
      chains := chains || c.chain;
    end if;
  end loop;
  -- Last, so that the chains are locked for the shortest time, and in one order.
  while (
    select count(*) from (
      select from record_chain r where r.chain = any (chains) order by r.chain for no key update
    ) locked
  ) < cardinality(chains) loop
    insert into record_chain (chain, seq, hash)
      select x, 0, chain_start(x) from unnest(chains) x order by x on conflict do nothing;
  end loop;
  return query
    with ends as (
      update record_chain r set
        seq = r.seq + 1, previous_hash = r.hash,
        hash = encode(sha256(convert_to(
          r.hash || encode(sha256(convert_to(s.sealed_content, 'UTF8')), 'hex'), 'UTF8'
        )), 'hex')
      from unnest(settled) s where r.chain = s.chain
      returning r.chain, r.seq, r.previous_hash, r.hash
    )
    update mfa_change m set
      status = s.status, resolved_by = s.resolved_by, code = s.code, cam_code = s.cam_code, cam_action = s.cam_action,
      cam_request_id = s.cam_request_id, attempts = s.attempts, quota_wait_ms = s.quota_wait_ms,
      finished_at = s.finished_at, settle_order = s.settle_order, read_backs = s.read_backs,
      lease_until = s.lease_until, chain = s.chain, chain_seq = e.seq, sealed_content = s.sealed_content,
      previous_hash = e.previous_hash, hash = e.hash
    from unnest(settled) s left join ends e on e.chain = s.chain
    where m.id = s.id
    returning m.id, m.settle_order, m.finished_at, m.hash is not null;
end
$$;
-->
-- Removes users whose time is over from the count of the bulk guard.
create function forget_users(p_subject text, p_issuer text, p_account text, p_within_ms double precision)
returns void language plpgsql as $$
declare
  -- As a constant it is a condition of the index.
  since constant timestamptz := clock_timestamp() - make_interval(secs => p_within_ms / 1000);
  removed integer;
begin
  delete from caller_user u where u.ctid = any (array(
    select o.ctid from caller_user o
    where o.issuer || ' ' || o.subject = p_issuer || ' ' || p_subject and o.account = p_account and o.changed_at <= since
    order by o.changed_at limit 20 for update skip locked
  ));
  get diagnostics removed = row_count;
  if removed > 0 then
    update caller_account a set users = a.users - removed
      where a.subject = p_subject and a.issuer = p_issuer and a.account = p_account;
  end if;
end
$$;
-->
-- As in 0017, by forget_users.
create or replace function note_user(
  p_subject text, p_issuer text, p_account text, p_op_uin text, p_users integer, p_within_ms double precision
) returns void language plpgsql as $$
declare
  owner constant text := coalesce(p_issuer, '');
  is_new boolean;
  known integer;
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
  if known % 10 = 0 then
    perform forget_users(p_subject, owner, p_account, p_within_ms);
  end if;
end
$$;
-->
-- Records the intents that obviously may begin, and returns their places in the list: the user is not locked, has no open
-- change and none since the read, the idempotency key is new, and the bulk guard lets the caller pass. begin_change decides
-- about the others, and about requests for approval.
create function begin_changes(p_intents jsonb, p_guard_users integer, p_guard_within_ms double precision)
returns table (place integer, change_id uuid) language plpgsql as $$
declare
  free integer[];
  each record;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform require_read_committed('begin_changes');
  end if;
  if p_guard_users > 0 then
    -- All callers of a batch in one order. The guard counts exactly while it holds the lock alone.
    perform pg_advisory_xact_lock(hashtextextended('caller ' || c.caller, 0)) from (
      select distinct i.caller_subject || ' ' || coalesce(i.caller_issuer, '') as caller
      from jsonb_to_recordset(p_intents) i (caller_subject text, caller_issuer text) order by 1
    ) c;
  end if;
  free := array(
    select f.place from (
      select i.*, row_number() over (partition by i.account, i.op_uin order by i.place) as of_user,
        row_number() over (partition by i.caller_subject, i.caller_issuer, i.idempotency_key order by i.place) as of_key
      from jsonb_to_recordset(p_intents) i (
        place integer, account text, op_uin text, caller_subject text, caller_issuer text, idempotency_key text
      )
    ) f
    where f.of_user = 1 and pg_try_advisory_xact_lock(hashtextextended('user ' || f.op_uin, 0)) and (
      f.idempotency_key is null or f.of_key = 1 and pg_try_advisory_xact_lock(hashtextextended(
        'key ' || coalesce(f.caller_issuer, '') || ' ' || f.caller_subject || ' ' || f.idempotency_key, 0
      ))
    )
  );
  for each in
    with asked as materialized (
      select i.*, coalesce(i.caller_issuer, '') as owner,
        clock_timestamp() - interval '60 seconds' - make_interval(secs => i.read_age_ms / 1000) as since
      from jsonb_to_recordset(p_intents) i (
        place integer, account text, op_uin text, caller_subject text, caller_person text, caller_client text,
        caller_issuer text, gateway_request_id text, requested jsonb, reason text, request_hash text,
        idempotency_key text, before_image jsonb, sent jsonb, policy_hash text, policy_rules text[], replica text,
        lease_ms double precision, known bigint, read_age_ms double precision
      ) where i.place = any (free)
    ), begun as (
      insert into mfa_change (
        id, account, op_uin, caller_subject, caller_person, caller_client, caller_issuer, gateway_request_id, requested,
        reason, request_hash, idempotency_key, before_image, sent, replica, lease_until, policy_hash, policy_rules
      )
      select uuid_v7(), a.account, a.op_uin, a.caller_subject, a.caller_person, a.caller_client, a.caller_issuer,
        a.gateway_request_id, a.requested, a.reason, a.request_hash, a.idempotency_key, a.before_image, a.sent, a.replica,
        lease_end(a.lease_ms), a.policy_hash, a.policy_rules
      from asked a
      -- Queries of one row: PostgreSQL would plan `not exists` as a join, which reads the whole table.
      where (
        select c.id from mfa_change c
        where c.account = a.account and c.op_uin = a.op_uin and c.status in ('awaiting_approval', 'pending') limit 1
      ) is null and case when (
        select c.id from mfa_change c
        where c.account = a.account and c.op_uin = a.op_uin and c.status in ('applied', 'unknown')
          and c.created_at > a.since - interval '9 days' and c.finished_at > a.since
        limit 1
      ) is null then true else changed_since(a.account, a.op_uin, a.known, a.read_age_ms) is null end
      and (a.idempotency_key is null or (
        select c.id from mfa_change c
        where c.caller_subject = a.caller_subject and c.idempotency_key = a.idempotency_key
          and c.created_at > clock_timestamp() - interval '24 hours'
        limit 1
      ) is null) and (p_guard_users = 0 or (
        select p.id from caller_pause p
        where p.subject = a.caller_subject and coalesce(p.issuer, '') = a.owner and p.resumed_at is null limit 1
      ) is null and (
        select coalesce(sum(n.users), 0) from caller_account n where n.subject = a.caller_subject and n.issuer = a.owner
      ) <= p_guard_users - jsonb_array_length(p_intents))
      returning id, account, op_uin, caller_subject, coalesce(caller_issuer, '') as owner
    ), touched as (
      insert into caller_user as u (subject, issuer, account, op_uin, changed_at)
      select b.caller_subject, b.owner, b.account, b.op_uin, clock_timestamp() from begun b where p_guard_users > 0
      on conflict (subject, issuer, account, op_uin) do update set changed_at = excluded.changed_at
      returning u.subject, u.issuer, u.account, xmax = 0 as is_new
    ), counted as (
      insert into caller_account as n (subject, issuer, account, users)
      select t.subject, t.issuer, t.account, count(*) from touched t where t.is_new group by 1, 2, 3
      on conflict (subject, issuer, account) do update set users = n.users + excluded.users
      returning n.subject, n.issuer, n.account
    )
    select a.place, b.id, n.account is not null as is_new, b.caller_subject, b.owner, b.account
    from begun b join asked a using (account, op_uin)
    left join counted n on n.subject = b.caller_subject and n.issuer = b.owner and n.account = b.account
  loop
    place := each.place;
    change_id := each.id;
    return next;
    -- At about every tenth new user.
    if each.is_new and hashtext(each.id::text) % 10 = 0 then
      perform forget_users(each.caller_subject, each.owner, each.account, p_guard_within_ms);
    end if;
  end loop;
end
$$;
-->
-- As in 0009: functions that write run with the rights of their owner, in this schema and no other. Roles that may change
-- users may do so in batches. One plan serves batches of every size.
do $$
declare
  home constant regnamespace := quote_ident(current_schema())::regnamespace;
  each record;
begin
  for each in
    select p.oid::regprocedure as name from pg_proc p
    where p.pronamespace = home and p.proname in ('begin_changes', 'settle_changes', 'settle_change')
  loop
    execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
  end loop;
  alter function begin_changes set plan_cache_mode = force_generic_plan;
  revoke execute on function begin_changes, settle_changes, with_outcome, forget_users from public;
  for each in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_proc p, aclexplode(p.proacl) a
    where p.pronamespace = home and p.proname = 'begin_change' and a.grantee <> p.proowner
  loop
    execute format('grant execute on function begin_changes, settle_changes to %s', each.role);
  end loop;
end
$$;
