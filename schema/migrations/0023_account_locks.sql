-- A replica that starts with new accounts notes them while the owners of their keys are bound. Both write the register and
-- the gateway's chain, in another order, so binding takes the lock of register_accounts first.

create or replace function bind_account(p_account text, p_owner_uin text, p_replica text) returns text language plpgsql as $$
declare
  bound text;
begin
  select r.owner_uin into bound from account_register r where r.account = p_account;
  if bound is not null then
    return bound;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('accounts', 0));
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
-- As in 0011: functions that write run with the rights of their owner, in this schema and no other.
do $$
begin
  execute format('alter function bind_account security definer set search_path = %I, pg_temp', current_schema());
end
$$;
