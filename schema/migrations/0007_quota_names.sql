-- Gives the quota's columns, functions and parameters the names that the code has: the rate per second, the back-off
-- after a throttle, and the adjustment of a slot. Nothing else changes. A line with an arrow alone separates statements.
-- Earlier releases still take slots on this schema, because take_slot has the same arguments in the same order.

alter table quota_window rename column widened to backoff;
-->
alter table quota_window rename column widened_at to backed_off_at;
-->
alter function widened_at(quota_window, double precision) rename to backoff_at;
-->
-- The part of a second that throttles add to the window at that time. It halves every 15 seconds.
create or replace function backoff_at(w quota_window, at_ms double precision)
returns double precision language sql immutable as $$
  select case when f < 0.005 then 0 else f end from faded(w.backoff, at_ms - w.backed_off_at, 15000) f
$$;
-->
drop function window_ms(double precision);
-->
-- The time in which no more calls than the rate may start: a second with its back-off, and 25 ms for deliveries that
-- vary. The slot of a call that took longer than that to arrive is adjusted.
create function window_ms(backoff double precision) returns double precision language sql immutable as $$
  select 1000 * (1 + backoff) + 25
$$;
-->
drop function window_outlook(quota_window, integer, integer, double precision);
-->
-- Returns what tells how long others will have to wait: the latest slots, which show how much each replica takes, and
-- the slots whose end frees the next ones. Returns at most forty of each, however high the rate is.
create function window_outlook(
  w quota_window, p_rate_per_second integer, p_owner integer, at_ms double precision
) returns json language sql stable as $$
  select json_build_object(
    'used', (select count(*) from unnest(w.slots) s
      where s <= at_ms and s > at_ms - window_ms(backoff_at(w, at_ms))),
    'taken', cardinality(w.slots),
    'leaving', w.slots[greatest(1, cardinality(w.slots) - p_rate_per_second + 1)
      :cardinality(w.slots) - p_rate_per_second + 40],
    'latest', w.slots[greatest(1, cardinality(w.slots) - 39):],
    'owners', w.owners[greatest(1, cardinality(w.slots) - 39):],
    'bulk', w.bulk[greatest(1, cardinality(w.slots) - 39):],
    'owner', p_owner,
    'pausedUntil', w.paused_until,
    'backoff', backoff_at(w, at_ms)
  )
$$;
-->
alter function take_slot(
  text, text, text, integer, boolean, double precision, double precision[], double precision[], boolean
) rename to take_slot_before_0007;
-->
-- Takes the next slot. It lies not before now, not before the newest slot, and so that no window holds more slots than
-- p_rate_per_second. The function reads the clock once it holds the lock of the row. Where `granted` is false, no
-- call has the slot and the row is unchanged; slot_ms is then the time that the slot would have.
-- A slot lies at most p_within_ms ahead. Two slots of people are a tenth of an even pace apart, so that a burst does not
-- arrive in one piece. Slots of bulk work are nearly an even pace apart, so that slots behind it come free one by one.
-- p_adjusted lists slots of this replica that it took, and p_adjusted_to when their calls counted; null for a slot that
-- was not used. With p_outlook the answer includes window_outlook.
create function take_slot(
  p_secret_id text, p_action text, p_replica text, p_rate_per_second integer, p_bulk boolean,
  p_within_ms double precision, p_adjusted double precision[], p_adjusted_to double precision[], p_outlook boolean
) returns table (
  granted boolean, slot_ms double precision, now_ms double precision, window_ms double precision,
  has_others boolean, outlook json
) language plpgsql as $$
declare
  w quota_window := lock_quota_window(p_secret_id, p_action);
  owner integer := hashtext(p_replica);
  n integer;
  first_kept integer := 1;
begin
  now_ms := epoch_ms();
  window_ms := window_ms(backoff_at(w, now_ms));
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
alter function widen_window(text, text, double precision) rename to back_off_window;
-->
-- Makes every replica back off after CAM throttled the call of a slot: the window is full from now on, and lasts a
-- quarter of a second longer. Returns false for a slot from before the present pause, which tells nothing new.
create or replace function back_off_window(p_secret_id text, p_action text, p_slot_ms double precision)
returns boolean language plpgsql as $$
declare
  w quota_window := lock_quota_window(p_secret_id, p_action);
  at_ms double precision := epoch_ms();
  to_backoff double precision := least(1, backoff_at(w, at_ms) + 0.25);
begin
  if p_slot_ms < w.paused_until then
    return false;
  end if;
  update quota_window q set backoff = to_backoff, backed_off_at = at_ms,
    paused_until = at_ms + window_ms(to_backoff)
  where q.secret_id = p_secret_id and q.action = p_action;
  return true;
end
$$;
-->
create or replace function probe_window(p_secret_id text, p_action text) returns void language plpgsql as $$
declare
  w quota_window := lock_quota_window(p_secret_id, p_action);
begin
  update quota_window q set backoff = q.backoff where q.secret_id = w.secret_id and q.action = w.action;
end
$$;
-->
-- Replacing a function takes its settings from it, and take_slot is a new one: both get what migration 0006 gave them.
do $$
declare
  name text;
  grantee text;
begin
  foreach name in array array['take_slot', 'back_off_window', 'probe_window'] loop
    execute format('alter function %I security definer set search_path = %I, pg_temp', name, current_schema());
  end loop;
  revoke execute on function take_slot from public;
  for grantee in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
    from pg_proc p, aclexplode(p.proacl) a
    where p.oid = 'take_slot_before_0007'::regproc and a.grantee <> p.proowner
  loop
    execute format('grant execute on function take_slot to %s', grantee);
  end loop;
end
$$;
-->
drop function take_slot_before_0007;
