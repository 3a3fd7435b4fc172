-- Retention and restores. The owner of the schema prunes records that a checkpoint signed, after it has sealed what goes.
-- Times are the database's clock. A line with an arrow alone separates statements.

-- The places after which the chains begin. The last event `pruned` of a chain names its place. Each prune seals one for
-- every chain that begins later than at its first record, so the events of earlier prunes can go.
create function pruned_chains() returns table (chain text, seq bigint, hash text, checkpoint bigint)
language sql stable as $$
  select distinct on (e.details ->> 'chain') e.details ->> 'chain', (e.details ->> 'to')::bigint, e.details ->> 'hash',
    (e.details ->> 'checkpoint')::bigint
  from audit_event e where e.kind = 'pruned'
  order by e.details ->> 'chain', e.chain_seq desc
$$;
-->
-- Refuses to delete records that no sealed event `pruned` names.
create function refuse_to_lose_record() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'mfa_change' then
    perform from gone g left join pruned_chains() p on p.chain = coalesce(g.chain, 'legacy')
      where g.hash is null or coalesce(g.chain_seq, g.seq) > coalesce(p.seq, 0);
  else
    perform from gone g left join pruned_chains() p on p.chain = g.chain where g.chain_seq > coalesce(p.seq, 0);
  end if;
  if found then
    raise exception 'the record of changes is kept: no delete of % before `audit prune` has sealed it', tg_table_name
      using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;
-->
drop trigger mfa_change_kept on mfa_change;
-->
create trigger mfa_change_kept before truncate on mfa_change
  for each statement execute function refuse_to_alter_record();
-->
alter table mfa_change enable always trigger mfa_change_kept;
-->
create trigger mfa_change_pruned after delete on mfa_change referencing old table as gone
  for each statement execute function refuse_to_lose_record();
-->
alter table mfa_change enable always trigger mfa_change_pruned;
-->
drop trigger audit_event_kept on audit_event;
-->
create trigger audit_event_kept before update or truncate on audit_event
  for each statement execute function refuse_to_alter_record();
-->
alter table audit_event enable always trigger audit_event_kept;
-->
create trigger audit_event_pruned after delete on audit_event referencing old table as gone
  for each statement execute function refuse_to_lose_record();
-->
alter table audit_event enable always trigger audit_event_pruned;
-->
-- Seals that every chain is pruned up to its head in a checkpoint. p_export is SHA-256 of the export that has what goes.
-- The records stay until delete_pruned deletes them.
create function seal_prune(p_number bigint, p_hash text, p_export text) returns void language plpgsql as $$
declare
  heads jsonb;
  each record;
begin
  perform pg_advisory_xact_lock(hashtextextended('prune', 0));
  select k.content::jsonb -> 'heads' into heads from record_checkpoint k where k.number = p_number and k.hash = p_hash;
  if not found then
    raise exception 'the record has no checkpoint % with this hash', p_number using errcode = 'no_data_found';
  end if;
  for each in
    select h.chain, h.seq, h.hash, coalesce(p.seq, 0) as before
    from jsonb_to_recordset(heads) h (chain text, seq bigint, hash text) left join pruned_chains() p using (chain)
    where h.seq > 0
  loop
    if each.before > each.seq then
      raise exception 'the record is pruned beyond checkpoint % already', p_number using errcode = 'check_violation';
    end if;
    perform record_event(jsonb_build_object(
      'kind', 'pruned', 'subject', session_user, 'account', substring(each.chain from '^account:(.*)$'),
      'details', jsonb_build_object(
        'chain', each.chain, 'from', each.before + 1, 'to', each.seq, 'hash', each.hash, 'checkpoint', p_number,
        'checkpointHash', p_hash, 'export', p_export
      )
    ));
  end loop;
end
$$;
-->
-- Deletes up to p_limit records of one chain that are pruned, the oldest first, and returns how many.
create function delete_pruned(p_limit integer) returns integer language plpgsql as $$
declare
  each record;
  deleted integer;
begin
  for each in select p.chain, p.seq from pruned_chains() p loop
    if each.chain = 'gateway' then
      delete from audit_event e where e.id in (
        select o.id from audit_event o where o.chain = each.chain and o.chain_seq <= each.seq
        order by o.chain_seq limit p_limit
      );
    elsif each.chain = 'legacy' then
      delete from mfa_change c where c.id in (
        select o.id from mfa_change o where o.seq <= each.seq order by o.seq limit p_limit
      );
    else
      delete from mfa_change c where c.id in (
        select o.id from mfa_change o where o.chain = each.chain and o.chain_seq <= each.seq
        order by o.chain_seq limit p_limit
      );
    end if;
    get diagnostics deleted = row_count;
    if deleted > 0 then
      return deleted;
    end if;
  end loop;
  return 0;
end
$$;
-->
-- The accounts that a replica told last. The events about them may be pruned.
create table noted_account (account text primary key);
-->
insert into noted_account
  select known.account from (
    select distinct on (e.account) e.account, e.kind from audit_event e
    where e.kind in ('account_added', 'account_removed') order by e.account, e.id desc
  ) known
  where known.kind = 'account_added';
-->
-- As in 0011, and keeps the accounts in a table.
create or replace function note_accounts(p_accounts text[], p_replica text) returns integer language plpgsql as $$
declare
  changed integer := 0;
  each record;
begin
  perform pg_advisory_xact_lock(hashtextextended('accounts', 0));
  for each in
    select account, known.account is null as is_new
    from noted_account known full join unnest(p_accounts) given (account) using (account)
    where known.account is null or given.account is null
    order by account
  loop
    if each.is_new then
      insert into noted_account (account) values (each.account);
    else
      delete from noted_account n where n.account = each.account;
    end if;
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
-- As in 0011, and seals that a restored database was accepted.
create or replace function record_events(p_events jsonb) returns void language plpgsql as $$
declare
  event jsonb;
begin
  for event in select * from jsonb_array_elements(p_events) loop
    if event ->> 'kind' not in ('refusal', 'refusals', 'export', 'restore_accepted') then
      raise exception 'the gateway seals no event of the kind %', event ->> 'kind' using errcode = 'check_violation';
    end if;
    -- The database knows the role that runs a command. The command cannot name another.
    perform record_event(case
      when event ->> 'kind' in ('export', 'restore_accepted') then event || jsonb_build_object('subject', session_user)
      else event
    end);
  end loop;
end
$$;
-->
-- As in 0011: functions that write for the gateway run with the rights of their owner, in this schema and no other. Only
-- the owner prunes.
do $$
begin
  execute format('alter function note_accounts security definer set search_path = %I, pg_temp', current_schema());
  execute format('alter function record_events security definer set search_path = %I, pg_temp', current_schema());
  revoke execute on function seal_prune, delete_pruned from public;
end
$$;
