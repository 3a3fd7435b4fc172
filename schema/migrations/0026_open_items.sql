-- Lets the lane of a rollout find out the outcomes that its items left open, and repeat their writes. Before, the reconciler
-- and the lane waited for each other. Times are the database's clock. A line with an arrow alone separates statements.

-- Until when the lane finds out outcomes by itself, so that reconcilers leave its changes to it.
alter table mfa_rollout_lane add column resolves_until timestamptz;
-->
-- Claims changes of a running lane for p_lease_ms whose outcome is open: the process of a change died, or the next read of
-- its user is due. Neither a reconciler nor another process claims the same ones. The time of the claim, in read_back_at, is
-- its token. Returns nothing if the process does not keep the lane.
create function claim_open_items(
  p_rollout uuid, p_account text, p_owner text, p_replica text, p_limit integer, p_lease_ms double precision
) returns setof mfa_change language plpgsql as $$
begin
  -- The time between two claims, with that until another process keeps the lane.
  update mfa_rollout_lane l set resolves_until = clock_timestamp() + interval '15 seconds'
    from mfa_rollout r
    where l.rollout_id = p_rollout and l.account = p_account and l.owner = p_owner
      and l.lease_until > clock_timestamp() and r.id = l.rollout_id and r.status = 'running';
  if not found then
    return;
  end if;
  return query
    with open as materialized (
      select o.id from mfa_rollout_item i join mfa_change o on o.id = i.change_id
      where i.rollout_id = p_rollout and i.account = p_account and i.state in ('changing', 'unknown')
        and o.status in ('pending', 'unknown') and o.lease_until < clock_timestamp()
      order by i.item limit p_limit for update of o skip locked
    )
    update mfa_change c set replica = p_replica, lease_until = lease_end(p_lease_ms), read_back_at = clock_timestamp()
    from open where c.id = open.id
    returning c.*;
end
$$;
-->
-- Opens a claimed change again as reopen_rollout_change does, and ends the claim. Returns false if another process has
-- claimed the change since.
create function reopen_claimed_change(
  p_id uuid, p_replica text, p_claimed timestamptz, p_lease_ms double precision
) returns boolean language plpgsql as $$
begin
  perform require_read_committed('reopen_claimed_change');
  perform pg_advisory_xact_lock(hashtextextended('user ' || m.op_uin, 0)) from mfa_change m where m.id = p_id;
  update mfa_change m set lease_until = '-infinity', read_back_at = null
    where m.id = p_id and m.read_back_at = p_claimed and m.lease_until > clock_timestamp();
  return found and reopen_rollout_change(p_id, p_replica, p_lease_ms);
end
$$;
-->
-- As in 0008, but leaves the changes of a rollout to their lane while it finds out outcomes.
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
        and (o.rollout_id is null or not exists (
          select from mfa_rollout_lane l
          where l.rollout_id = o.rollout_id and l.account = o.account
            -- A lane says so for seconds. A time further ahead is from before the clock was set back.
            and l.resolves_until between clock_timestamp() and clock_timestamp() + interval '1 minute'
        ))
      -- An abandoned change keeps other changes from the user until its first read-back.
      order by o.status <> 'pending', o.lease_until limit p_limit for update skip locked
    )
    returning c.*;
end
$$;
-->
-- As in 0011: functions that write run with the rights of their owner, in this schema and no other.
do $$
declare
  each record;
begin
  for each in
    select p.oid::regprocedure as name from pg_proc p
    where p.pronamespace = quote_ident(current_schema())::regnamespace
      and p.proname in ('claim_open_items', 'reopen_claimed_change', 'claim_changes')
  loop
    execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
  end loop;
  revoke execute on function claim_open_items, reopen_claimed_change from public;
end
$$;
