-- Webhooks: the events that receivers of WEBHOOKS_FILE still have to get. Triggers write an event in the transaction of
-- its cause, once for each receiver that wants it. Times are the database's clock. A line with an arrow alone separates
-- statements.

create table webhook_receiver (
  name text primary key,
  -- SHA-256 of its entry in the file. Another entry enables a disabled receiver again.
  settings text not null,
  -- The types of events that it wants, and the accounts. Null: all accounts.
  types text[] not null,
  accounts text[],
  -- When a replica last had it in its file. A receiver that no replica has is forgotten after a week.
  seen_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz,
  -- The failed attempts since the last delivery, when they began, and the last reason.
  failures integer not null default 0,
  failing_since timestamptz,
  problem text,
  next_attempt_at timestamptz,
  -- When the receiver answered 410.
  disabled_at timestamptz,
  -- The replica that delivers to it. One at a time keeps the order.
  lease_owner text,
  lease_until timestamptz
);
-->
create table webhook_delivery (
  -- The order of the events for one receiver.
  position bigint primary key generated always as identity,
  receiver text not null references webhook_receiver on delete cascade,
  -- The same for every receiver and in every attempt.
  event_id uuid not null,
  type text not null,
  -- The text that is signed and sent.
  body text not null,
  -- When the event happened, or when a person asked to deliver it again.
  queued_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  problem text,
  -- When the gateway gave up.
  dead_at timestamptz
);
-->
create index webhook_delivery_waiting on webhook_delivery (receiver, position) where dead_at is null;
-->
create index webhook_delivery_dead on webhook_delivery (receiver, position) where dead_at is not null;
-->
-- Writes an event for each receiver that wants it. Without a receiver it writes nothing.
create function queue_webhook(p_type text, p_account text, p_data jsonb) returns void language sql as $$
  insert into webhook_delivery (receiver, event_id, type, body)
  select r.name, e.id, p_type, jsonb_build_object(
    'type', p_type, 'timestamp', iso_time(e.at), 'data', jsonb_build_object('account', p_account) || p_data
  )::text
  from (select uuid_v7() as id, clock_timestamp() as at) e, webhook_receiver r
  where p_type = any (r.types) and (r.accounts is null or p_account = any (r.accounts))
$$;
-->
-- The methods of a protection by name: on, off, or null where CAM did not report the method. See directory_methods().
create function webhook_methods(p_methods smallint, p_unreported smallint) returns jsonb language sql immutable as $$
  select jsonb_object_agg(m.method, case when p_unreported & m.bit = 0 then p_methods & m.bit > 0 end)
  from (values
    ('phone', 1), ('token', 2), ('stoken', 4), ('wechat', 8), ('custom', 16), ('mail', 32), ('u2fToken', 64),
    ('passkey', 128)
  ) m (method, bit)
$$;
-->
create function webhook_follow_change() returns trigger language plpgsql as $$
begin
  perform queue_webhook('approval.requested', new.account, jsonb_build_object(
    'changeId', new.id, 'opUin', new.op_uin, 'requested', new.requested, 'reason', new.reason,
    'requestedBy', jsonb_build_object(
      'subject', new.caller_subject, 'client', new.caller_client, 'issuer', new.caller_issuer
    ),
    'expiresAt', iso_time(new.expires_at)
  ));
  return null;
end
$$;
-->
create trigger mfa_change_webhook after insert on mfa_change for each row
  when (new.status = 'awaiting_approval') execute function webhook_follow_change();
-->
create function webhook_follow_event() returns trigger language plpgsql as $$
begin
  perform queue_webhook('caller.paused', new.account, jsonb_build_object(
    'subject', new.subject, 'issuer', new.issuer, 'pauseId', new.details -> 'pauseId', 'users', new.details -> 'users',
    'withinMinutes', round((new.details ->> 'withinMs')::numeric / 60000), 'opUin', new.details -> 'opUin'
  ));
  return null;
end
$$;
-->
create trigger audit_event_webhook after insert on audit_event for each row
  when (new.kind = 'caller_paused') execute function webhook_follow_event();
-->
create function webhook_follow_drift() returns trigger language plpgsql as $$
begin
  perform queue_webhook('drift.found', new.account, jsonb_build_object(
    'driftId', new.id::text, 'opUin', new.op_uin, 'firstSeenAt', iso_time(new.first_seen_at),
    'before', jsonb_build_object(
      'login', webhook_methods(new.before_login, new.before_login_unreported),
      'action', webhook_methods(new.before_action, new.before_action_unreported)
    ),
    'after', jsonb_build_object(
      'login', webhook_methods(new.after_login, new.after_login_unreported),
      'action', webhook_methods(new.after_action, new.after_action_unreported)
    )
  ));
  return null;
end
$$;
-->
create trigger directory_drift_webhook after insert on directory_drift for each row
  execute function webhook_follow_drift();
-->
create function webhook_follow_scan() returns trigger language plpgsql as $$
begin
  perform queue_webhook('scan.finished', new.account, jsonb_build_object(
    'startedAt', iso_time(new.started_at), 'finishedAt', iso_time(new.finished_at), 'users', new.users,
    'readUsers', new.read_users, 'failedUsers', new.failed_users, 'calls', new.calls
  ));
  return null;
end
$$;
-->
create trigger directory_scan_webhook after update of finished_at on directory_scan for each row
  when (new.finished_at is distinct from old.finished_at) execute function webhook_follow_scan();
-->
-- As in 0009: functions that write run with the rights of their owner, in this schema and no other. A role or database
-- that presets session_replication_role = replica would turn the triggers off otherwise.
do $$
declare
  each record;
begin
  for each in
    select p.oid::regprocedure as name, p.prorettype = 'trigger'::regtype as is_trigger from pg_proc p
    where p.pronamespace = quote_ident(current_schema())::regnamespace
      and (p.proname like 'webhook\_%' or p.proname = 'queue_webhook')
  loop
    execute format('revoke execute on function %s from public', each.name);
    if each.is_trigger then
      execute format('alter function %s security definer set search_path = %I, pg_temp', each.name, current_schema());
    end if;
  end loop;
  for each in
    select t.tgrelid::regclass as relation, t.tgname as name from pg_trigger t
    where t.tgname in ('mfa_change_webhook', 'audit_event_webhook', 'directory_drift_webhook', 'directory_scan_webhook')
      and t.tgrelid in ('mfa_change'::regclass, 'audit_event'::regclass, 'directory_drift'::regclass, 'directory_scan'::regclass)
  loop
    execute format('alter table %s enable always trigger %I', each.relation, each.name);
  end loop;
end
$$;
