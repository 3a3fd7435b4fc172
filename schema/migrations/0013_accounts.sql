-- The accounts of the gateway by name: the main account that a name means, and the settings that a replica told last.
-- A line with an arrow alone separates statements.

create table account_register (
  account text primary key,
  -- The Uin of the main account. Null until CAM has named the owner of the account's key. It outlives the account.
  owner_uin text,
  -- SHA-256 of the settings.
  settings text
);
-->
-- Binds a name to a main account at its first use, and returns the Uin to which the name is bound.
create function bind_account(p_account text, p_owner_uin text, p_replica text) returns text language plpgsql as $$
declare
  bound text;
begin
  select r.owner_uin into bound from account_register r where r.account = p_account;
  if bound is not null then
    return bound;
  end if;
  insert into account_register as r (account, owner_uin) values (p_account, p_owner_uin)
    on conflict (account) do update set owner_uin = excluded.owner_uin where r.owner_uin is null;
  if found then
    perform record_event(jsonb_build_object(
      'kind', 'account_bound', 'account', p_account,
      'details', jsonb_build_object('ownerUin', p_owner_uin, 'replica', p_replica)
    ));
  end if;
  return (select r.owner_uin from account_register r where r.account = p_account);
end
$$;
-->
-- Binds a name to another main account. Only the owner of the schema may: docs/operators/accounts.md.
create function rebind_account(p_account text, p_owner_uin text) returns void language plpgsql as $$
declare
  before text;
begin
  if p_owner_uin !~ '^[1-9][0-9]{0,19}$' then
    raise exception 'the Uin of a main account is a decimal number' using errcode = 'invalid_parameter_value';
  end if;
  select r.owner_uin into before from account_register r where r.account = p_account for update;
  if before is null then
    raise exception 'the name % is bound to no main account', p_account using errcode = 'no_data_found';
  end if;
  if exists (select 1 from mfa_change c where c.account = p_account and c.lease_until is not null) then
    raise exception 'the account % has open changes, and another account cannot tell their outcomes', p_account
      using errcode = 'object_in_use';
  end if;
  update account_register r set owner_uin = p_owner_uin where r.account = p_account;
  perform record_event(jsonb_build_object(
    'kind', 'account_bound', 'account', p_account, 'subject', session_user,
    'details', jsonb_build_object('ownerUin', p_owner_uin, 'before', before)
  ));
end
$$;
-->
-- Seals the accounts that were added, removed and changed since a replica last told its accounts, and returns how many.
-- Each account has its settings as a hash, and facts for the event.
create function register_accounts(p_accounts jsonb, p_replica text) returns integer language plpgsql as $$
declare
  changed integer := 0;
  each record;
begin
  -- The lock and the table of note_accounts, by which the release before tells its accounts.
  perform pg_advisory_xact_lock(hashtextextended('accounts', 0));
  for each in
    select coalesce(known.account, given.key) as account, given.value as facts, r.settings,
      known.account is not null as is_known
    from noted_account known
    full join jsonb_each(p_accounts) given on given.key = known.account
    left join account_register r on r.account = coalesce(known.account, given.key)
    order by 1
  loop
    if each.facts is null then
      delete from noted_account n where n.account = each.account;
    elsif not each.is_known then
      insert into noted_account (account) values (each.account);
    end if;
    -- The release before told no settings.
    if each.facts is null or not each.is_known or each.settings <> each.facts ->> 'settings' then
      perform record_event(jsonb_build_object(
        'kind', case
          when each.facts is null then 'account_removed' when each.is_known then 'account_changed' else 'account_added'
        end,
        'account', each.account,
        'details', coalesce(each.facts, '{}') || jsonb_build_object('replica', p_replica)
      ));
      changed := changed + 1;
    end if;
    if each.facts is not null then
      insert into account_register as r (account, settings) values (each.account, each.facts ->> 'settings')
        on conflict (account) do update set settings = excluded.settings
          where r.settings is distinct from excluded.settings;
    end if;
  end loop;
  return changed;
end
$$;
-->
-- As in 0011: functions that write run with the rights of their owner, in this schema and no other.
do $$
declare
  home constant regnamespace := quote_ident(current_schema())::regnamespace;
  writing constant text[] := array['bind_account', 'register_accounts'];
  each record;
begin
  for each in
    select p.oid::regprocedure as name, p.proname from pg_proc p
    where p.pronamespace = home and p.proname = any (writing || 'rebind_account'::text)
  loop
    execute format('revoke execute on function %s from public', each.name);
    if each.proname = any (writing) then
      execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
    end if;
  end loop;
  for each in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as role
    from pg_proc p, aclexplode(p.proacl) a
    where p.pronamespace = home and p.proname = 'record_events' and a.grantee <> p.proowner
  loop
    execute format('grant execute on function bind_account, register_accounts to %s', each.role);
  end loop;
end
$$;
