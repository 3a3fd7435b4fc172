-- Locks the row of a key and action, as in 0002. Another session may delete a row without slots between its insertion and
-- its lock, so this repeats both. Without that, the function returned an empty row, and the window lost its first slot.
create or replace function lock_quota_window(p_secret_id text, p_action text) returns quota_window language plpgsql as $$
declare
  w quota_window;
begin
  loop
    select * into w from quota_window q where q.secret_id = p_secret_id and q.action = p_action for update;
    if found then
      return w;
    end if;
    delete from quota_window q where (q.secret_id, q.action) in (
      select o.secret_id, o.action from quota_window o
      where coalesce(o.slots[cardinality(o.slots)], o.paused_until) < epoch_ms() - 86400000
      for update skip locked
    );
    insert into quota_window (secret_id, action) values (p_secret_id, p_action) on conflict do nothing;
  end loop;
end
$$;
