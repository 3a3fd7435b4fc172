-- One hash chain for each account and one for the gateway itself, with signed checkpoints that list the heads of all
-- chains. The chain of earlier releases is closed, under the name `legacy`. The bulk guard counts users in tables of its
-- own. Times are the database's clock. A line with an arrow alone separates statements.

-- Waits for changes in progress: no record may follow the end of the old chain, from which the new ones start. A function
-- of the previous release that waits here fails at audit_chain_closed, and its gateway repeats it.
lock table mfa_change in access exclusive mode;
-->
-- The chains and their ends: `legacy`, `gateway`, and `account:` with the name of an account. Locking one row puts the
-- seals of one chain in order. The free space of a page keeps the updates of a row on its page.
create table record_chain (
  chain text primary key,
  seq bigint not null,
  hash text not null,
  -- The hash before `hash`.
  previous_hash text
) with (fillfactor = 20);
-->
insert into record_chain (chain, seq, hash) select 'legacy', seq, hash from audit_chain;
-->
create trigger record_chain_kept before delete or truncate on record_chain
  for each statement execute function refuse_to_alter_record();
-->
alter table record_chain enable always trigger record_chain_kept;
-->
create trigger audit_chain_closed before update on audit_chain
  for each statement execute function refuse_to_alter_record();
-->
alter table audit_chain enable always trigger audit_chain_closed;
-->
alter table mfa_change
  -- The chain of a sealed record and its place there. Null in records of the chain `legacy`, whose place is in `seq`.
  add column chain text,
  add column chain_seq bigint,
  drop constraint mfa_change_check,
  drop constraint mfa_change_sealed_is_over,
  -- Unique by their sequence. Nothing looks a change up by it.
  drop constraint mfa_change_begun_key,
  drop constraint mfa_change_seq_key,
  add constraint mfa_change_seal_is_whole check (
    num_nulls(sealed_content, previous_hash, hash) in (0, 3) and num_nulls(chain, chain_seq) in (0, 2)
    and num_nonnulls(seq, chain_seq) = (hash is not null)::integer
  ) not valid,
  add constraint mfa_change_sealed_is_over
    check (hash is null or status not in ('awaiting_approval', 'pending')) not valid;
-->
create unique index mfa_change_by_legacy_place on mfa_change (seq) where seq is not null;
-->
create unique index mfa_change_by_place on mfa_change (chain, chain_seq) where chain is not null;
-->
drop index mfa_change_unsealed;
-->
create index mfa_change_by_lease on mfa_change (account, lease_until) where lease_until is not null;
-->
-- recent_writes was its only reader.
drop index mfa_change_by_user_and_end;
-->
drop trigger mfa_change_sealed on mfa_change;
-->
create trigger mfa_change_sealed before update on mfa_change
  for each row when (old.hash is not null) execute function refuse_to_alter_record();
-->
alter table mfa_change enable always trigger mfa_change_sealed;
-->
-- SHA-256 of a text in UTF-8, in hex.
create function sha256_hex(p_text text) returns text language sql immutable as $$
  select encode(sha256(convert_to(p_text, 'UTF8')), 'hex')
$$;
-->
-- The hash before the first record of a chain: it binds the chain to its name and to the end of `legacy`.
create function chain_start(p_chain text) returns text language sql stable as $$
  select sha256_hex(l.hash || p_chain) from record_chain l where l.chain = 'legacy'
$$;
-->
-- Adds a record to a chain, which begins with its first record. The hash covers the digest of the content, so that the
-- digest alone proves the place of a record that is not shown.
create function extend_chain(p_chain text, p_content text, out seq bigint, out previous_hash text, out hash text)
language plpgsql as $$
declare
  digest constant text := sha256_hex(p_content);
begin
  loop
    update record_chain c
      set seq = c.seq + 1, previous_hash = c.hash, hash = sha256_hex(c.hash || digest)
      where c.chain = p_chain
      returning c.seq, c.previous_hash, c.hash into extend_chain.seq, extend_chain.previous_hash, extend_chain.hash;
    exit when found;
    insert into record_chain (chain, seq, hash) values (p_chain, 0, chain_start(p_chain)) on conflict do nothing;
  end loop;
end
$$;
-->
insert into record_chain (chain, seq, hash) values ('gateway', 0, chain_start('gateway'));
-->
-- As in 0008, but seals a record into the chain of its account.
create or replace function settle_change(
  p_id uuid, p_status text, p_resolved_by text, p_code text, p_cam_code text, p_cam_action text,
  p_cam_request_id text, p_attempts integer, p_quota_wait_ms integer, p_read_back boolean
) returns table (settle_order bigint, settled_at timestamptz, sealed boolean) language plpgsql as $$
declare
  c mfa_change;
begin
  -- Outcomes of one user become visible in the order of settle_order, on which changed_since relies.
  perform pg_advisory_xact_lock(hashtextextended('user ' || m.op_uin, 0)) from mfa_change m where m.id = p_id;
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
    c.settle_order := nextval(pg_get_serial_sequence('mfa_change', 'begun'));
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
    select e.seq, e.previous_hash, e.hash into c.chain_seq, c.previous_hash, c.hash
      from extend_chain(c.chain, c.sealed_content) e;
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
  return query select c.settle_order, c.finished_at, c.hash is not null;
end
$$;
-->
-- As in 0008, but finds the writes by the index of the user's changes: a change ends at most eight days after it was
-- recorded, seven of them in wait for its approval.
create or replace function recent_writes(p_account text, p_op_uin text, p_read_age_ms double precision)
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
      and r.created_at > since - interval '9 days' and r.finished_at > since
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
-- Signed statements of the heads of all chains at a time. Each holds the hash of the one before it.
create table record_checkpoint (
  number bigint not null,
  -- The signed text (src/audit/checkpoint.ts).
  content text not null,
  -- SHA-256 of the content. The next checkpoint holds it.
  hash text not null,
  -- Ed25519; the key as SPKI in DER. Both in base64.
  public_key text not null,
  signature text not null,
  -- Includes the signer and the signature, so that a bogus checkpoint keeps no other one out.
  primary key (number, public_key, signature)
);
-->
create trigger record_checkpoint_kept before update or delete or truncate on record_checkpoint
  for each statement execute function refuse_to_alter_record();
-->
alter table record_checkpoint enable always trigger record_checkpoint_kept;
-->
-- Keeps a checkpoint and returns whether it did: a number has one. p_bogus are signatures that the caller has found
-- invalid or does not trust, and which do not count.
create function keep_record_checkpoint(p_content text, p_public_key text, p_signature text, p_bogus text[])
returns boolean language plpgsql as $$
declare
  p_number constant bigint := p_content::jsonb ->> 'number';
begin
  if p_number is null or length(p_content) > 1000000 or greatest(length(p_public_key), length(p_signature)) > 200 then
    raise exception 'this is no checkpoint' using errcode = 'check_violation';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('record checkpoint', 0));
  if exists (select from record_checkpoint k where k.number = p_number and k.signature <> all (p_bogus)) then
    return false;
  end if;
  insert into record_checkpoint (number, content, hash, public_key, signature)
    values (p_number, p_content, sha256_hex(p_content), p_public_key, p_signature) on conflict do nothing;
  return found;
end
$$;
-->
-- The users that a caller changed, or approved changes of, and when last. Only as old as the bulk guard needs them.
create table caller_user (
  subject text not null,
  -- Empty if the caller has no issuer.
  issuer text not null,
  account text not null,
  op_uin text not null,
  changed_at timestamptz not null,
  primary key (subject, issuer, account, op_uin)
);
-->
-- The expression keeps it from searches by user, for which the primary key is right whatever the statistics say.
create index caller_user_by_time on caller_user ((issuer || ' ' || subject), account, changed_at);
-->
-- How many rows of caller_user a caller has in an account.
create table caller_account (
  subject text not null,
  issuer text not null,
  account text not null,
  users integer not null,
  primary key (subject, issuer, account)
) with (fillfactor = 20);
-->
-- The bulk guard looks back for a day at most.
insert into caller_user
  select subject, issuer, account, op_uin, max(at) from (
    select caller_subject, coalesce(caller_issuer, ''), account, op_uin, created_at from mfa_change
    union all
    select decided_by_subject, coalesce(decided_by_issuer, ''), account, op_uin, decided_at from mfa_change
      where decision = 'approved'
  ) touches (subject, issuer, account, op_uin, at)
  where at > clock_timestamp() - interval '1 day'
  group by subject, issuer, account, op_uin;
-->
insert into caller_account
  select subject, issuer, account, count(*) from caller_user group by subject, issuer, account;
-->
-- The number of users of a caller, with the given one. Includes users whose time is over and whose rows still exist.
create function count_users(p_subject text, p_issuer text, p_account text, p_op_uin text)
returns integer language sql volatile as $$
  select coalesce((select sum(a.users) from caller_account a where a.subject = p_subject and a.issuer = p_issuer), 0)::integer
    + (not exists (
        select from caller_user u
        where u.subject = p_subject and u.issuer = p_issuer and u.account = p_account and u.op_uin = p_op_uin
      ))::integer
$$;
-->
-- Whether the bulk guard stands in the way of a caller who asks for, or approves, a change of a user:
--   PAUSED  an operator has to resume the caller (id: the pause)
--   PAUSES  the caller is paused by this, having come to more than p_users different users within p_within_ms since
--           they were last resumed (id: the pause)
-- and nothing where it does not. With p_users of 0 it never does. note_user adds the user once the change is recorded.
--
-- Callers far from the limit share the lock. Each connection adds one user at most, so as many shared holders as there are
-- connections cannot reach it together. Near the limit one transaction of the caller runs at a time and counts exactly.
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
  return query select 'PAUSES', pause_id;
end
$$;
-->
-- Notes that a caller changed a user, for guard_caller. A new user replaces up to two whose time is over.
create function note_user(
  p_subject text, p_issuer text, p_account text, p_op_uin text, p_users integer, p_within_ms double precision
) returns void language plpgsql as $$
declare
  owner constant text := coalesce(p_issuer, '');
  -- As a constant it is a condition of the index.
  since constant timestamptz := clock_timestamp() - make_interval(secs => p_within_ms / 1000);
  removed integer;
begin
  if p_users = 0 then
    return;
  end if;
  update caller_user u set changed_at = clock_timestamp()
    where u.subject = p_subject and u.issuer = owner and u.account = p_account and u.op_uin = p_op_uin;
  if found then
    return;
  end if;
  insert into caller_user (subject, issuer, account, op_uin, changed_at)
    values (p_subject, owner, p_account, p_op_uin, clock_timestamp());
  insert into caller_account as a (subject, issuer, account, users) values (p_subject, owner, p_account, 1)
    on conflict (subject, issuer, account) do update set users = a.users + 1;
  delete from caller_user u where u.ctid = any (array(
    select o.ctid from caller_user o
    where o.issuer || ' ' || o.subject = owner || ' ' || p_subject and o.account = p_account and o.changed_at <= since
    order by o.changed_at limit 2 for update skip locked
  ));
  get diagnostics removed = row_count;
  if removed > 0 then
    update caller_account a set users = a.users - removed
      where a.subject = p_subject and a.issuer = owner and a.account = p_account;
  end if;
end
$$;
-->
-- As in 0004, and notes the user for the bulk guard.
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
    reason, request_hash, idempotency_key, before_image, sent, replica, status, expires_at, lease_until
  ) values (
    change_id, intent.account, intent.op_uin, intent.caller_subject, intent.caller_person, intent.caller_client, intent.caller_issuer,
    intent.gateway_request_id, intent.requested, intent.reason, intent.request_hash, intent.idempotency_key,
    intent.before_image, intent.sent, intent.replica,
    case when p_approval_ms is null then 'pending' else 'awaiting_approval' end,
    approval_end,
    -- The replica that finds an expired change settles it.
    coalesce(approval_end, lease_end(p_lease_ms))
  );
  return query select case when p_approval_ms is null then 'BEGUN' else 'AWAITING' end, change_id;
end
$$;
-->
-- As in 0008, and notes the user for the bulk guard.
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
  perform note_user(p_subject, p_issuer, awaiting.account, awaiting.op_uin, p_guard_users, p_guard_within_ms);
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
-- As 0006_record_roles.sql does: functions that write run with the rights of their owner, in this schema and no other.
-- Roles that keep checkpoints keep the new ones too, and roles that read the record read its chains.
do $$
declare
  home constant regnamespace := quote_ident(current_schema())::regnamespace;
  writing constant text[] := array['begin_change', 'settle_change', 'approve_change', 'keep_record_checkpoint'];
  inner_ones constant text[] := array['extend_chain', 'note_user', 'count_users'];
  each record;
begin
  for each in
    select p.oid::regprocedure as name, p.proname from pg_proc p
    where p.pronamespace = home and p.proname = any (writing || inner_ones)
  loop
    execute format('revoke execute on function %s from public', each.name);
    if each.proname = any (writing) then
      execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
    end if;
  end loop;
  for each in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_proc p, aclexplode(p.proacl) a
    where p.pronamespace = home and p.proname = 'keep_checkpoint' and a.grantee <> p.proowner
  loop
    execute format('grant execute on function keep_record_checkpoint to %s', each.role);
  end loop;
  for each in
    select distinct c.relname, case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_class c, aclexplode(c.relacl) a
    where c.relnamespace = home and c.relname in ('audit_chain', 'audit_checkpoint') and a.privilege_type = 'SELECT'
      and a.grantee <> c.relowner
  loop
    execute format(
      'grant select on %I to %s',
      case each.relname when 'audit_chain' then 'record_chain' else 'record_checkpoint' end, each.role
    );
  end loop;
end
$$;
