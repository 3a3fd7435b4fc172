-- Begins the changes of several items of a rollout in one statement, and reads the outlook of a window by a plan that the
-- session keeps. A line with an arrow alone separates statements.

-- Records the changes of the items that obviously may begin, and returns their places in the list: this process has a lease
-- of the attempt, the rollout runs, the user is not locked, has no open change and none since the read.
-- begin_rollout_change decides about the others.
create function begin_rollout_changes(p_intents jsonb) returns table (place integer, change_id uuid) language plpgsql as $$
declare
  free integer[];
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform require_read_committed('begin_rollout_changes');
  end if;
  free := array(
    select f.place from (
      select i.*, row_number() over (partition by i.op_uin order by i.place) as of_user
      from jsonb_to_recordset(p_intents) i (place integer, op_uin text)
    ) f
    where f.of_user = 1 and pg_try_advisory_xact_lock(hashtextextended('user ' || f.op_uin, 0))
  );
  return query
    with asked as materialized (
      select i.*, uuid_v7() as id,
        clock_timestamp() - interval '60 seconds' - make_interval(secs => i.read_age_ms / 1000) as since
      from jsonb_to_recordset(p_intents) i (
        place integer, account text, op_uin text, gateway_request_id text, requested jsonb, request_hash text,
        before_image jsonb, sent jsonb, policy_hash text, policy_rules text[], replica text, rollout_id uuid,
        rollout_item integer, rollout_attempt integer, lease_owner text, lease_ms double precision, known bigint,
        read_age_ms double precision
      ) where i.place = any (free)
    ), begun as (
      update mfa_rollout_item x set change_id = a.id
      from asked a join mfa_rollout r on r.id = a.rollout_id
      where x.rollout_id = a.rollout_id and x.item = a.rollout_item and x.attempt = a.rollout_attempt
        and x.state = 'changing' and x.change_id is null and x.lease_owner = a.lease_owner
        and x.lease_until > clock_timestamp() and x.account = a.account and x.op_uin = a.op_uin
        and r.status = 'running'
        and coalesce(r.decided_at, r.started_at) > clock_timestamp() - interval '7 days'
        -- Queries of one row: PostgreSQL would plan `not exists` as a join, which reads the whole table.
        and (
          select p.id from caller_pause p
          where p.resumed_at is null and (
            p.subject = r.caller_subject and p.issuer is not distinct from r.caller_issuer
            or r.decision = 'approved' and p.subject = r.decided_by_subject
              and p.issuer is not distinct from r.decided_by_issuer
          )
          limit 1
        ) is null
        and (
          select c.id from mfa_change c
          where c.account = a.account and c.op_uin = a.op_uin and c.status = 'pending' limit 1
        ) is null
        and case when (
          select c.id from mfa_change c
          where c.account = a.account and c.op_uin = a.op_uin and c.status in ('applied', 'unknown')
            and c.created_at > a.since - interval '9 days' and c.finished_at > a.since
          limit 1
        ) is null then true else changed_since(a.account, a.op_uin, a.known, a.read_age_ms) is null end
      returning a.place, a.id
    ), recorded as (
      insert into mfa_change (
        id, account, op_uin, caller_subject, caller_person, caller_client, caller_issuer, gateway_request_id, requested,
        reason, request_hash, before_image, sent, replica, status, lease_until, policy_hash, policy_rules, rollout_id,
        rollout_item, rollout_attempt, plan_hash, rollout_needs_approval, expires_at, decision, decided_at,
        decided_by_subject, decided_by_person, decided_by_client, decided_by_issuer, decision_request_id, decision_reason
      ) select
        a.id, a.account, a.op_uin, r.caller_subject, r.caller_person, r.caller_client, r.caller_issuer,
        a.gateway_request_id, a.requested, r.reason, a.request_hash, a.before_image, a.sent, a.replica, 'pending',
        lease_end(a.lease_ms), a.policy_hash, a.policy_rules, r.id, a.rollout_item, a.rollout_attempt, r.plan_hash,
        r.approval_requested_at is not null, r.approval_expires_at, r.decision, r.decided_at, r.decided_by_subject,
        r.decided_by_person, r.decided_by_client, r.decided_by_issuer, r.decision_request_id, r.decision_reason
      from asked a join begun b using (id) join mfa_rollout r on r.id = a.rollout_id
    )
    select b.place, b.id from begun b;
end
$$;
-->
-- As in 0007. In this language the session keeps the plan, and the window is computed once.
create or replace function window_outlook(
  w quota_window, p_rate_per_second integer, p_owner integer, at_ms double precision
) returns json language plpgsql stable as $$
declare
  backoff constant double precision := case when w.backoff > 0 then backoff_at(w, at_ms) else 0 end;
  since constant double precision := at_ms - window_ms(backoff);
  n constant integer := cardinality(w.slots);
  latest constant integer := greatest(1, n - 39);
begin
  return json_build_object(
    'used', (select count(*) from unnest(w.slots) s where s <= at_ms and s > since),
    'taken', n,
    'leaving', w.slots[greatest(1, n - p_rate_per_second + 1):n - p_rate_per_second + 40],
    'latest', w.slots[latest:],
    'owners', w.owners[latest:],
    'bulk', w.bulk[latest:],
    'owner', p_owner,
    'pausedUntil', w.paused_until,
    'backoff', backoff
  );
end
$$;
-->
-- As in 0022: the function runs with the rights of its owner, in this schema and no other, for the roles that may begin
-- items. One plan serves batches of every size, and reads each row of a batch by an index.
do $$
declare
  grantee text;
begin
  execute format(
    'alter function begin_rollout_changes security definer set search_path = %I, pg_temp', current_schema()
  );
  alter function begin_rollout_changes set plan_cache_mode = force_generic_plan;
  alter function begin_rollout_changes set enable_hashjoin = off;
  alter function begin_rollout_changes set enable_mergejoin = off;
  revoke execute on function begin_rollout_changes from public;
  for grantee in
    select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
    from pg_proc p, aclexplode(p.proacl) a
    where p.oid = 'begin_rollout_change'::regproc and a.grantee <> p.proowner
  loop
    execute format('grant execute on function begin_rollout_changes to %s', grantee);
  end loop;
end
$$;
