-- Takes slots of several windows in one statement, with one query for all their rows. A line with an arrow alone separates
-- statements.

-- The next slot of a window, as take_slot describes it in 0007. Returns the window with the adjustments and the slot.
create function next_slot(
  inout w quota_window, p_replica text, p_rate_per_second integer, p_bulk boolean, p_within_ms double precision,
  p_adjusted double precision[], p_adjusted_to double precision[], p_outlook boolean,
  out granted boolean, out slot_ms double precision, out now_ms double precision, out window_ms double precision,
  out has_others boolean, out outlook json
) language plpgsql as $$
declare
  owner constant integer := hashtext(p_replica);
  n integer;
  at integer;
  is_bulk boolean;
  first_kept integer := 1;
begin
  now_ms := extract(epoch from clock_timestamp()) * 1000;
  window_ms := window_ms(case when w.backoff > 0 then backoff_at(w, now_ms) else 0 end);
  for i in 1..cardinality(p_adjusted) loop
    at := array_position(w.slots, p_adjusted[i]);
    while w.owners[at] <> owner loop
      at := array_position(w.slots, p_adjusted[i], at + 1);
    end loop;
    continue when at is null;
    is_bulk := w.bulk[at];
    w.slots := w.slots[:at - 1] || w.slots[at + 1:];
    w.owners := w.owners[:at - 1] || w.owners[at + 1:];
    w.bulk := w.bulk[:at - 1] || w.bulk[at + 1:];
    continue when p_adjusted_to[i] is null;
    -- A moved slot goes to its new place, because slots ascend.
    at := cardinality(w.slots) + 1;
    while w.slots[at - 1] > p_adjusted_to[i] loop
      at := at - 1;
    end loop;
    w.slots := w.slots[:at - 1] || p_adjusted_to[i] || w.slots[at:];
    w.owners := w.owners[:at - 1] || owner || w.owners[at:];
    w.bulk := w.bulk[:at - 1] || is_bulk || w.bulk[at:];
  end loop;
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
  has_others := cardinality(array_remove(w.owners, owner)) > 0;
  if p_outlook then
    outlook := window_outlook(w, p_rate_per_second, owner, now_ms);
  end if;
end
$$;
-->
-- As in 0017, by next_slot.
create or replace function take_slot(
  p_secret_id text, p_action text, p_replica text, p_rate_per_second integer, p_bulk boolean,
  p_within_ms double precision, p_adjusted double precision[], p_adjusted_to double precision[], p_outlook boolean
) returns table (
  granted boolean, slot_ms double precision, now_ms double precision, window_ms double precision,
  has_others boolean, outlook json
) language plpgsql as $$
declare
  w quota_window;
  s record;
begin
  select * into w from quota_window q where q.secret_id = p_secret_id and q.action = p_action for update;
  if not found then
    w := lock_quota_window(p_secret_id, p_action);
  end if;
  s := next_slot(
    w, p_replica, p_rate_per_second, p_bulk, p_within_ms, p_adjusted, p_adjusted_to, p_outlook
  );
  if s.granted or cardinality(p_adjusted) > 0 then
    update quota_window q set slots = (s.w).slots, owners = (s.w).owners, bulk = (s.w).bulk
    where q.secret_id = p_secret_id and q.action = p_action;
  end if;
  return query select s.granted, s.slot_ms, s.now_ms, s.window_ms, s.has_others, s.outlook;
end
$$;
-->
-- Takes the next slot of each window and returns it with the place of its request in the list. Leaves a second request for
-- one window to take_slot. All replicas lock windows in one order.
create function take_slots(p_requests jsonb) returns table (
  place integer, granted boolean, slot_ms double precision, now_ms double precision, window_ms double precision,
  has_others boolean, outlook json
) language plpgsql as $$
declare
  r record;
  s record;
  changed quota_window[] := '{}';
begin
  for r in
    select x.*, q.w from (
      select distinct on (j.secret_id, j.action) j.* from jsonb_to_recordset(p_requests) j (
        place integer, secret_id text, action text, replica text, rate integer, bulk boolean, within_ms float8,
        adjusted float8[], adjusted_to float8[], outlook boolean
      ) order by j.secret_id, j.action, j.place
    ) x left join lateral (
      select o as w from quota_window o where o.secret_id = x.secret_id and o.action = x.action for update
    ) q on true
  loop
    if (r.w).action is null then
      -- Creates the row, and writes it before lock_quota_window could remove it again.
      return query select r.place, t.* from take_slot(
        r.secret_id, r.action, r.replica, r.rate, r.bulk, r.within_ms, r.adjusted, r.adjusted_to, r.outlook
      ) t;
      continue;
    end if;
    s := next_slot(r.w, r.replica, r.rate, r.bulk, r.within_ms, r.adjusted, r.adjusted_to, r.outlook);
    if s.granted or cardinality(r.adjusted) > 0 then
      changed := changed || s.w;
    end if;
    place := r.place;
    granted := s.granted;
    slot_ms := s.slot_ms;
    now_ms := s.now_ms;
    window_ms := s.window_ms;
    has_others := s.has_others;
    outlook := s.outlook;
    return next;
  end loop;
  update quota_window q set slots = c.slots, owners = c.owners, bulk = c.bulk from unnest(changed) c
    where q.secret_id = c.secret_id and q.action = c.action;
end
$$;
-->
-- As in 0009: functions that write run with the rights of their owner, in this schema and no other. Roles that may take
-- slots may take several.
do $$
declare
  grantee text;
begin
  execute format('alter function take_slot security definer set search_path = %I, pg_temp', current_schema());
  execute format('alter function take_slots security definer set search_path = %I, pg_temp', current_schema());
  revoke execute on function take_slots from public;
  for grantee in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
    from pg_proc p, aclexplode(p.proacl) a
    where p.oid = 'take_slot'::regproc and a.grantee <> p.proowner
  loop
    execute format('grant execute on function take_slots to %s', grantee);
  end loop;
end
$$;
