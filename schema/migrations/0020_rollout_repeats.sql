-- Repeats of a rollout's write. A process may die between the record of a change and its reply. The same flag sets may then
-- be sent again, because they are absolute. Times are the database's clock. A line with an arrow alone separates statements.

-- Opens a change of a running rollout again whose outcome is not known, so that its process sends the same flag sets once
-- more. Returns false if another change of the user is open or followed it, if the bulk guard paused a person of the
-- rollout, or if another process has the change.
create function reopen_rollout_change(p_id uuid, p_replica text, p_lease_ms double precision) returns boolean
language plpgsql as $$
declare
  c mfa_change;
  r mfa_rollout;
begin
  perform require_read_committed('reopen_rollout_change');
  perform pg_advisory_xact_lock(hashtextextended('user ' || m.op_uin, 0)) from mfa_change m where m.id = p_id;
  select * into c from mfa_change m where m.id = p_id for update;
  select * into r from mfa_rollout m where m.id = c.rollout_id;
  if r.status is distinct from 'running' or c.hash is not null
    or coalesce(r.decided_at, r.started_at) <= clock_timestamp() - interval '7 days'
    or not (c.status = 'unknown' or c.status = 'pending' and c.lease_until < clock_timestamp())
    -- A replica that reads the user now would settle the change as unknown while it is open again.
    or c.read_back_at > clock_timestamp() - make_interval(secs => p_lease_ms / 1000)
    or exists (
      select from mfa_change o
      where o.account = c.account and o.op_uin = c.op_uin and o.id <> c.id and (
        o.status = 'pending' or o.status in ('applied', 'unknown')
          and coalesce(o.dispatch_order, o.begun) > coalesce(c.dispatch_order, c.begun)
      )
    )
    or exists (
      select from caller_pause p
      where p.resumed_at is null and (
        p.subject = r.caller_subject and p.issuer is not distinct from r.caller_issuer
        or r.decision = 'approved' and p.subject = r.decided_by_subject
          and p.issuer is not distinct from r.decided_by_issuer
      )
    )
  then
    return false;
  end if;
  update mfa_change m set
    status = 'pending', finished_at = null, replica = p_replica, lease_until = lease_end(p_lease_ms)
  where m.id = p_id;
  return true;
end
$$;
-->
-- As in 0011: functions that write run with the rights of their owner, in this schema and no other.
do $$
begin
  revoke execute on function reopen_rollout_change from public;
  execute format('alter function reopen_rollout_change security definer set search_path = %I, pg_temp', current_schema());
end
$$;
