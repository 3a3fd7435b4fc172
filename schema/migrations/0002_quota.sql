-- The quota of calls to CAM that all replicas share: one row for each calling key and action. Times are milliseconds
-- since 1970 by the database's clock. A line with an arrow alone separates statements.

-- Unlogged, because it is worth a second: a call waits for no disk, and a crash, which empties it, ends every
-- connection, after which replicas let a whole window pass (src/quota/store-health.ts).
create unlogged table quota_window (
  secret_id text not null,
  action text not null,
  -- The slots of the last window, of the second before it, and of the near future, ascending; whose they are, as hashes
  -- of the replicas' names; and whether bulk work has them.
  slots double precision[] not null default '{}',
  owners integer[] not null default '{}',
  bulk boolean[] not null default '{}',
  -- By how much of itself the second is widened since CAM throttled a call, and until when nobody gets a slot.
  widened double precision not null default 0,
  widened_at double precision not null default 0,
  paused_until double precision not null default 0,
  primary key (secret_id, action)
) with (fillfactor = 40);
-->
create function epoch_ms() returns double precision language plpgsql volatile as $$
begin
  return extract(epoch from clock_timestamp()) * 1000;
end
$$;
-->
-- Locks the row of a key and action, made where it is missing. Rows of keys that are long out of use go then.
create function lock_quota_window(p_secret_id text, p_action text) returns quota_window language plpgsql as $$
declare
  w quota_window;
begin
  select * into w from quota_window q where q.secret_id = p_secret_id and q.action = p_action for update;
  if not found then
    delete from quota_window q where (q.secret_id, q.action) in (
      select o.secret_id, o.action from quota_window o
      where coalesce(o.slots[cardinality(o.slots)], o.paused_until) < epoch_ms() - 86400000
      for update skip locked
    );
    insert into quota_window (secret_id, action) values (p_secret_id, p_action) on conflict do nothing;
    select * into w from quota_window q where q.secret_id = p_secret_id and q.action = p_action for update;
  end if;
  return w;
end
$$;
-->
-- What is left after some time of an excess that loses half of itself every so often.
create function faded(excess double precision, age_ms double precision, half_life_ms double precision)
returns double precision language sql immutable as $$
  select excess * 0.5 ^ least(100, greatest(0, age_ms / half_life_ms))
$$;
-->
create function widened_at(w quota_window, at_ms double precision) returns double precision language sql immutable as $$
  select case when f < 0.005 then 0 else f end from faded(w.widened, at_ms - w.widened_at, 15000) f
$$;
-->
-- In which no more than the limit may start: a second, as widened, and 25 ms for deliveries that vary. A call that
-- took longer than that to arrive moves its slot.
create function window_ms(widened double precision) returns double precision language sql immutable as $$
  select 1000 * (1 + widened) + 25
$$;
-->
-- What tells how long others will have to wait: of the slots, the latest (to see who takes how much) and those whose
-- leaving frees the next ones; no more than forty of each, however high the limit is.
create function window_outlook(w quota_window, p_limit integer, p_owner integer, at_ms double precision)
returns json language sql stable as $$
  select json_build_object(
    'used', (select count(*) from unnest(w.slots) s
      where s <= at_ms and s > at_ms - window_ms(widened_at(w, at_ms))),
    'taken', cardinality(w.slots),
    'leaving', w.slots[greatest(1, cardinality(w.slots) - p_limit + 1):cardinality(w.slots) - p_limit + 40],
    'latest', w.slots[greatest(1, cardinality(w.slots) - 39):],
    'owners', w.owners[greatest(1, cardinality(w.slots) - 39):],
    'bulk', w.bulk[greatest(1, cardinality(w.slots) - 39):],
    'owner', p_owner,
    'pausedUntil', w.paused_until,
    'widened', widened_at(w, at_ms)
  )
$$;
-->
-- Takes the next slot: not before now and the newest slot, and so that no window holds more than p_limit slots. The
-- clock is read when the row is locked. Without `granted` nobody has it, and the row is as it was; slot_ms is then
-- when it would be.
-- A slot lies up to p_within_ms ahead. Between two slots of people there is a tenth of an even pace, so that a burst
-- does not arrive in one piece. Bulk work goes nearly at an even pace, so that behind it slots come free one by one.
-- p_corrected are slots of this replica that were taken, and p_corrected_to when their calls really counted; null for
-- one that was not used. p_outlook asks for what window_outlook tells.
create function take_slot(
  p_secret_id text, p_action text, p_replica text, p_limit integer, p_bulk boolean, p_within_ms double precision,
  p_corrected double precision[], p_corrected_to double precision[], p_outlook boolean
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
  window_ms := window_ms(widened_at(w, now_ms));
  if cardinality(p_corrected) > 0 then
    select coalesce(array_agg(c.s order by c.s), '{}'), coalesce(array_agg(c.o order by c.s), '{}'),
      coalesce(array_agg(c.b order by c.s), '{}')
    into w.slots, w.owners, w.bulk
    from (
      select case when t.s is null then u.s else t.moved end as s, u.o, u.b
      from unnest(w.slots, w.owners, w.bulk) as u(s, o, b)
      left join unnest(p_corrected, p_corrected_to) as t(s, moved) on t.s = u.s and u.o = owner
    ) c
    where c.s is not null;
  end if;
  n := cardinality(w.slots);
  slot_ms := greatest(
    now_ms,
    w.paused_until,
    w.slots[n] + window_ms / p_limit * case when p_bulk then 0.9 else 0.1 end,
    w.slots[n - p_limit + 1] + window_ms
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
  if granted or cardinality(p_corrected) > 0 then
    update quota_window q set slots = w.slots, owners = w.owners, bulk = w.bulk
    where q.secret_id = p_secret_id and q.action = p_action;
  end if;
  has_others := cardinality(array_remove(w.owners, owner)) > 0;
  if p_outlook then
    outlook := window_outlook(w, p_limit, owner, now_ms);
  end if;
  return next;
end
$$;
-->
-- CAM throttled the call of a slot: the window widens by a quarter of a second for everybody, and is full from now
-- on. Calls of slots from before a pause tell nothing that is not known.
create function widen_window(p_secret_id text, p_action text, p_slot_ms double precision)
returns boolean language plpgsql as $$
declare
  w quota_window := lock_quota_window(p_secret_id, p_action);
  at_ms double precision := epoch_ms();
  to_widened double precision := least(1, widened_at(w, at_ms) + 0.25);
begin
  if p_slot_ms < w.paused_until then
    return false;
  end if;
  update quota_window q set widened = to_widened, widened_at = at_ms,
    paused_until = at_ms + window_ms(to_widened)
  where q.secret_id = p_secret_id and q.action = p_action;
  return true;
end
$$;
