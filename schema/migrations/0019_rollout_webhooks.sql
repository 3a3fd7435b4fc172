-- Webhooks of rollouts. A line with an arrow alone separates statements.

-- Writes an event about several accounts for each receiver that wants it. A receiver of some accounts gets it only if it
-- may know all accounts of the event.
create function queue_rollout_webhook(p_type text, p_accounts text[], p_data jsonb) returns void language sql as $$
  insert into webhook_delivery (receiver, event_id, type, body)
  select r.name, e.id, p_type, jsonb_build_object(
    'type', p_type, 'timestamp', iso_time(e.at), 'data', jsonb_build_object('accounts', p_accounts) || p_data
  )::text
  from (select uuid_v7() as id, clock_timestamp() as at) e, webhook_receiver r
  where p_type = any (r.types) and (r.accounts is null or p_accounts <@ r.accounts)
$$;
-->
-- A rollout that goes on after a pause sends nothing.
create function webhook_follow_rollout() returns trigger language plpgsql as $$
declare
  event_type constant text := case new.status
    when 'awaiting_approval' then 'rollout.approval_requested'
    when 'running' then case when old.status <> 'paused' then 'rollout.started' end
    when 'paused' then 'rollout.paused'
    when 'done' then 'rollout.finished'
    when 'stopped' then 'rollout.stopped'
  end;
begin
  if event_type is not null then
    perform queue_rollout_webhook(event_type, new.accounts, jsonb_build_object(
      'rolloutId', new.id, 'name', new.name, 'reason', new.reason, 'undoOf', new.undo_of, 'planHash', new.plan_hash,
      'plannedBy', jsonb_build_object(
        'subject', new.caller_subject, 'client', new.caller_client, 'issuer', new.caller_issuer
      ),
      'approvalExpiresAt', iso_time(new.approval_expires_at), 'code', new.code, 'hint', new.hint
    ));
  end if;
  return null;
end
$$;
-->
create trigger mfa_rollout_webhook after update of status on mfa_rollout for each row
  when (new.status is distinct from old.status) execute function webhook_follow_rollout();
-->
alter table mfa_rollout enable always trigger mfa_rollout_webhook;
-->
-- As in 0018: the functions that write run with the rights of their owner, in this schema and no other.
do $$
begin
  revoke execute on function queue_rollout_webhook, webhook_follow_rollout from public;
  execute format(
    'alter function webhook_follow_rollout security definer set search_path = %I, pg_temp', current_schema()
  );
end
$$;
