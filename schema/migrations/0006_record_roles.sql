-- The gateway's database role writes through functions alone, and a request for approval carries a MAC of the gateway.
-- Times are the database's clock. A line with an arrow alone separates statements.

-- A slot of the quota lies no further ahead than an operation may take. Slots ascend.
create function bound_slots() returns trigger language plpgsql as $$
begin
  if new.slots[cardinality(new.slots)] > epoch_ms() + 360000 then
    raise exception 'a slot of the quota lies too far ahead' using errcode = 'check_violation';
  end if;
  return new;
end
$$;
-->
create trigger quota_window_slots before insert or update of slots on quota_window
  for each row execute function bound_slots();
-->
-- A role or database that presets session_replication_role = replica would turn it off otherwise.
alter table quota_window enable always trigger quota_window_slots;
-->
-- Does what taking a slot needs, and takes none: locks the row of a window, makes it where it is missing, and writes it.
create function probe_window(p_secret_id text, p_action text) returns void language plpgsql as $$
declare
  w quota_window := lock_quota_window(p_secret_id, p_action);
begin
  update quota_window q set widened = q.widened where q.secret_id = w.secret_id and q.action = w.action;
end
$$;
-->
-- The key of a checkpoint includes the signer and the signature, so that a bogus checkpoint keeps no other one out.
alter table audit_checkpoint
  drop constraint audit_checkpoint_pkey,
  add primary key (seq, public_key, signature);
-->
-- Keeps a checkpoint of a place that the chain has, and says whether it did. It does not where the same key has signed
-- that place already. p_bogus are signatures that the caller has found invalid, and which do not count.
create function keep_checkpoint(
  p_seq bigint, p_hash text, p_signed_at text, p_public_key text, p_signature text, p_bogus text[]
) returns boolean language plpgsql as $$
begin
  if greatest(length(p_signed_at), length(p_public_key), length(p_signature)) > 200 then
    raise exception 'this is no checkpoint' using errcode = 'check_violation';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('checkpoint ' || p_public_key, 0));
  if not exists (select from mfa_change c where c.seq = p_seq and c.hash = p_hash)
    or exists (
      select from audit_checkpoint k
      where k.seq = p_seq and k.public_key = p_public_key and k.signature <> all (p_bogus)
    )
  then
    return false;
  end if;
  insert into audit_checkpoint (seq, hash, signed_at, public_key, signature)
    values (p_seq, p_hash, p_signed_at, p_public_key, p_signature) on conflict do nothing;
  return found;
end
$$;
-->
-- Keeps the MAC of a change that awaits approval, and says whether it did: there is one for each change.
create function seal_request(p_id uuid, p_mac text, p_key text) returns boolean language plpgsql as $$
begin
  update mfa_change set request_mac = p_mac, request_key = p_key
  where id = p_id and status = 'awaiting_approval' and request_mac is null;
  return found;
end
$$;
-->
-- A change as this transaction has left it. Volatile, so that it sees what a function before it in the same statement did.
create function change_now(p_id uuid) returns setof mfa_change language sql volatile as $$
  select * from mfa_change where id = p_id
$$;
-->
-- Ends a pause, and has the caller's users counted anew. Nothing where it was over, or is the caller's own.
create function resume_caller(p_id uuid, p_subject text, p_client text, p_issuer text)
returns setof caller_pause language sql volatile as $$
  update caller_pause set
    resumed_at = clock_timestamp(), resumed_by_subject = p_subject, resumed_by_client = p_client,
    resumed_by_issuer = p_issuer
  where id = p_id and resumed_at is null and subject <> p_subject
  returning *
$$;
-->
-- Functions that write run with the rights of their owner, in this schema and no other: pg_temp stands last, or a
-- temporary table of the caller would be taken for one of these. Nobody else runs them without a grant. Roles that wrote
-- to the tables before are granted the functions instead.
do $$
declare
  home constant regnamespace := quote_ident(current_schema())::regnamespace;
  writing constant text[] := array[
    'begin_change', 'settle_change', 'approve_change', 'reject_change', 'take_over_changes', 'seal_request',
    'resume_caller', 'keep_checkpoint', 'take_slot', 'widen_window',
    'probe_window'
  ];
  -- What those are made of, and what reads beside them.
  inner_ones constant text[] := array['guard_caller', 'expire_change', 'lock_quota_window', 'change_now'];
  tables constant text[] := array[
    'mfa_change', 'audit_chain', 'audit_checkpoint', 'caller_pause', 'quota_window', 'gateway_migration'
  ];
  each record;
  writer text;
begin
  for each in
    select p.oid::regprocedure as name, p.proname from pg_proc p
    where p.pronamespace = home and p.proname = any (writing || inner_ones)
  loop
    execute format('revoke execute on function %s from public', each.name);
    if each.proname = any (writing) then
      execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
    end if;
    continue when each.proname = any (inner_ones) and each.proname <> 'change_now';
    for writer in
      select distinct case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
      from pg_class c, aclexplode(c.relacl) a
      where c.oid = 'mfa_change'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
    loop
      execute format('grant execute on function %s to %s', each.name, writer);
    end loop;
  end loop;
  for each in
    select distinct c.oid::regclass as name, c.relkind,
      case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_class c, aclexplode(c.relacl) a
    where c.relnamespace = home and a.grantee <> c.relowner and a.privilege_type <> 'SELECT'
      and c.relname = any (tables || 'mfa_change_begun_seq'::text)
  loop
    if each.relkind = 'S' then
      execute format('revoke all on sequence %s from %s cascade', each.name, each.role);
    else
      execute format(
        'revoke insert, update, delete, truncate, references, trigger on table %s from %s cascade', each.name, each.role
      );
    end if;
  end loop;
end
$$;
