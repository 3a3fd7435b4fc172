-- The record of changes: a row is committed before CAM hears of the change, and sealed into a hash chain once
-- nothing about it can change any more. Times are the database's clock. A line with an arrow alone separates
-- statements.

create table mfa_change (
  id uuid primary key,
  -- Counts changes in the order in which they were begun, whatever the clock does.
  begun bigint not null generated always as identity unique,
  op_uin text not null,
  caller_subject text not null,
  caller_client text,
  caller_issuer text,
  gateway_request_id text not null,
  -- What the caller asked for. Equal requests have equal hashes.
  requested jsonb not null,
  request_hash text not null,
  idempotency_key text,
  -- The user as read before, and the full blocks that are sent.
  before_image jsonb not null,
  sent jsonb not null,
  status text not null default 'pending' check (status in ('pending', 'applied', 'refused', 'unknown')),
  resolved_by text check (resolved_by in ('REPLY', 'READ_BACK')),
  code text,
  cam_code text,
  cam_action text,
  cam_request_id text,
  attempts integer not null default 0,
  quota_wait_ms integer not null default 0,
  replica text not null,
  created_at timestamptz not null default clock_timestamp(),
  -- When the outcome became known, or became unknown.
  finished_at timestamptz,
  -- Until then the replica is expected to finish the change; later, any replica may take it over.
  lease_until timestamptz,
  -- The place in the chain, and what was hashed there.
  seq bigint unique,
  sealed_content text,
  previous_hash text,
  hash text,
  check (num_nulls(seq, sealed_content, previous_hash, hash) in (0, 4)),
  check (seq is null or status <> 'pending'),
  check ((finished_at is null) = (status = 'pending'))
);
-->
-- One open change of a user at a time, across all replicas.
create unique index mfa_change_one_open on mfa_change (op_uin) where status = 'pending';
-->
create index mfa_change_by_user on mfa_change (op_uin, begun desc);
-->
create index mfa_change_by_user_and_end on mfa_change (op_uin, finished_at desc);
-->
create index mfa_change_by_idempotency_key on mfa_change (caller_subject, idempotency_key, created_at desc)
  where idempotency_key is not null;
-->
create index mfa_change_unsealed on mfa_change (lease_until) where seq is null;
-->
-- The end of the chain. Locking its one row puts seals in order.
create table audit_chain (
  only_row boolean primary key default true check (only_row),
  seq bigint not null,
  hash text not null
);
-->
insert into audit_chain (seq, hash) values (0, repeat('0', 64));
-->
-- Signed statements of where the chain ended at a time: whoever rewrites what came before cannot sign it again.
create table audit_checkpoint (
  seq bigint primary key,
  hash text not null,
  signed_at text not null,
  -- Ed25519; the key as SPKI in DER. Both in base64.
  public_key text not null,
  signature text not null
);
-->
-- RFC 9562, method 3: the database's clock in milliseconds, version 7, twelve bits of the fraction, and chance. Sorts
-- by time.
create function uuid_v7() returns uuid language sql volatile as $$
  select (
    lpad(to_hex(floor(ms)::bigint), 12, '0')
    || to_hex(28672 + floor((ms - floor(ms)) * 4096)::integer)
    || substr(replace(gen_random_uuid()::text, '-', ''), 17)
  )::uuid
  from (select extract(epoch from clock_timestamp()) * 1000 as ms) as clock
$$;
-->
create function iso_time(at timestamptz) returns text language sql immutable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
-->
-- What a seal covers: every column that says something about the change. jsonb prints its keys in a fixed order.
create function change_content(c mfa_change) returns text language sql stable as $$
  select jsonb_build_object(
    'id', c.id, 'opUin', c.op_uin, 'callerSubject', c.caller_subject, 'callerClient', c.caller_client,
    'callerIssuer', c.caller_issuer, 'gatewayRequestId', c.gateway_request_id, 'requested', c.requested,
    'requestHash', c.request_hash, 'idempotencyKey', c.idempotency_key, 'before', c.before_image,
    'sent', c.sent, 'status', c.status, 'resolvedBy', c.resolved_by, 'code', c.code, 'camCode', c.cam_code,
    'camAction', c.cam_action, 'camRequestId', c.cam_request_id, 'attempts', c.attempts,
    'quotaWaitMs', c.quota_wait_ms, 'replica', c.replica, 'createdAt', iso_time(c.created_at),
    'finishedAt', iso_time(c.finished_at)
  )::text
$$;
-->
-- Records the intent to change a user, or says why not:
--   BEGUN       the change is on record; go on
--   STALE       another change of this user ended since the caller read the user: read again (id: that change)
--   JOIN        the same change is open: wait for it (id: that change)
--   BUSY        another change of this user is open (id: that change)
--   REPLAY      the idempotency key belongs to this very request, made earlier (id: that change)
--   KEY_REUSED  the idempotency key belongs to another request (id: that change)
-- known_latest is the last change of the user that the caller knows its read to come after. read_age_ms is how
-- long ago, by the caller's own clock, that read began; five seconds are added for the way of this statement. They
-- are not for known_latest, which is only new again where its outcome was settled a second time since the read.
create function begin_change(
  p_op_uin text, p_caller_subject text, p_caller_client text, p_caller_issuer text, p_gateway_request_id text,
  p_requested jsonb, p_request_hash text, p_idempotency_key text, p_before jsonb, p_sent jsonb, p_replica text,
  p_lease_ms double precision, p_known_latest uuid, p_read_age_ms double precision
) returns table (verdict text, change_id uuid) language plpgsql as $$
declare
  other record;
  new_id uuid;
begin
  -- At another level the statements below would not see what was committed while this one waited for its turn.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'begin_change needs transactions that are read committed, and not %',
      current_setting('transaction_isolation') using errcode = 'invalid_transaction_state';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('user ' || p_op_uin, 0));
  if p_idempotency_key is not null then
    perform pg_advisory_xact_lock(hashtextextended('key ' || p_caller_subject || ' ' || p_idempotency_key, 0));
    select c.id, c.request_hash into other from mfa_change c
      where c.caller_subject = p_caller_subject and c.idempotency_key = p_idempotency_key
        and c.created_at > clock_timestamp() - interval '24 hours'
      order by c.created_at desc limit 1;
    if found then
      return query select case when other.request_hash = p_request_hash then 'REPLAY' else 'KEY_REUSED' end, other.id;
      return;
    end if;
  end if;
  select c.id, c.request_hash into other from mfa_change c where c.op_uin = p_op_uin and c.status = 'pending';
  if found then
    return query select case when other.request_hash = p_request_hash then 'JOIN' else 'BUSY' end, other.id;
    return;
  end if;
  select c.id, c.finished_at into other from mfa_change c
    where c.op_uin = p_op_uin and c.finished_at is not null
    order by c.finished_at desc limit 1;
  if found and other.finished_at > clock_timestamp() - make_interval(secs =>
    (p_read_age_ms + case when other.id is not distinct from p_known_latest then 0 else 5000 end) / 1000)
  then
    return query select 'STALE', other.id;
    return;
  end if;
  new_id := uuid_v7();
  insert into mfa_change (
    id, op_uin, caller_subject, caller_client, caller_issuer, gateway_request_id, requested, request_hash,
    idempotency_key, before_image, sent, replica, lease_until
  ) values (
    new_id, p_op_uin, p_caller_subject, p_caller_client, p_caller_issuer, p_gateway_request_id, p_requested,
    p_request_hash, p_idempotency_key, p_before, p_sent, p_replica,
    clock_timestamp() + make_interval(secs => p_lease_ms / 1000)
  );
  return query select 'BEGUN', new_id;
end
$$;
-->
-- Records an outcome; false where the record is sealed already, and therefore stays as it is. An outcome that may still become known
-- (sealed false) is written and left for the reconciler, which may take it up again after p_lease_ms.
create function settle_change(
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
-- What is on record stays: a sealed change is never altered, and no change, place in the chain or checkpoint is ever
-- deleted.
create function refuse_to_alter_record() returns trigger language plpgsql as $$
begin
  raise exception 'the record of changes is kept: no % of %', lower(tg_op), tg_table_name
    using errcode = 'restrict_violation';
end
$$;
-->
create trigger mfa_change_sealed before update on mfa_change
  for each row when (old.seq is not null) execute function refuse_to_alter_record();
-->
create trigger mfa_change_kept before delete or truncate on mfa_change
  for each statement execute function refuse_to_alter_record();
-->
create trigger audit_chain_kept before delete or truncate on audit_chain
  for each statement execute function refuse_to_alter_record();
-->
create trigger audit_checkpoint_kept before update or delete or truncate on audit_checkpoint
  for each statement execute function refuse_to_alter_record();
