-- The directory: what the gateway knows about every user of every account, and the state of the scans that read it.
-- Times are the database's clock. A line with an arrow alone separates statements.

create table directory_user (
  account text not null,
  op_uin text not null,
  name text,
  remark text,
  -- CAM's number of the kind of user.
  user_type smallint,
  console_login boolean,
  -- `YYYY-MM-DD hh:mm:ss`, as CAM sends it. Texts of this form sort by time.
  created text,
  last_login text,
  -- Whether CAM knows a number or an address. The directory never keeps them.
  has_phone boolean,
  has_email boolean,
  -- When the read of the list began that named the user last.
  profile_as_of timestamptz,
  -- When the read of the type and the last login began.
  logins_as_of timestamptz,
  -- The methods that are on, and those that CAM did not report, as sums of directory_methods(). Null: never read.
  login_methods smallint,
  action_methods smallint,
  login_unreported smallint,
  action_unreported smallint,
  -- When the read of the protections began, or when a change of the gateway was settled.
  protections_as_of timestamptz,
  source text check (source in ('SCAN', 'READ', 'CHANGE')),
  -- CAM may show the state before the gateway's last change in reads that began before this.
  trust_reads_from timestamptz,
  -- When a scan last failed to read the protections.
  failed_at timestamptz,
  -- The complete lists in a row that lack the user. Two make the user gone.
  missing smallint not null default 0,
  gone_at timestamptz,
  -- The weakest login method that is on, because an attacker chooses it. 0 none, 1 SMS, 2 WeChat or mail, 3 one-time
  -- codes of an app (stoken, custom), 4 hardware token, U2F or passkey. Null: never read.
  strength smallint generated always as (
    case
      when login_methods is null then null
      when login_methods & 1 > 0 then 1
      when login_methods & 40 > 0 then 2
      when login_methods & 20 > 0 then 3
      when login_methods & 194 > 0 then 4
      else 0
    end
  ) stored,
  search text not null generated always as (
    lower(coalesce(name, '') || ' ' || op_uin || ' ' || coalesce(remark, ''))
  ) stored,
  primary key (account, op_uin),
  check (num_nulls(login_methods, action_methods, login_unreported, action_unreported) in (0, 4)),
  check (protections_as_of is null or source is not null)
);
-->
-- Pages by name, the default order.
create index directory_user_by_name on directory_user (lower(coalesce(name, '')), account, op_uin)
  where gone_at is null;
-->
-- What a scan reads next: never read first, then the oldest.
create index directory_user_by_age on directory_user (account, protections_as_of nulls first)
  where gone_at is null;
-->
-- The sum of the methods that are true in one protection of a record: {"phone": true, …}.
create function directory_methods(p_flags jsonb) returns smallint language sql immutable as $$
  select coalesce(sum(m.bit), 0)::smallint
  from (values
    ('phone', 1), ('token', 2), ('stoken', 4), ('wechat', 8), ('custom', 16), ('mail', 32), ('u2fToken', 64),
    ('passkey', 128)
  ) m (method, bit)
  where p_flags -> m.method = 'true'::jsonb
$$;
-->
-- The sum of the methods that one protection of a record does not mention.
create function directory_unreported(p_flags jsonb) returns smallint language sql immutable as $$
  select 255::smallint - directory_methods(
    (select coalesce(jsonb_object_agg(f.key, true), '{}') from jsonb_each(coalesce(p_flags, '{}')) f where f.value <> 'null')
  )
$$;
-->
-- Brings the directory up to date with a change, in the transaction that settles it. An applied change shows what is in
-- force. After an unknown outcome the protections are unknown. After a refusal that ends an unknown outcome, reads count.
-- Reads that begin within a minute of the change may show the state before it.
create function directory_follow_change() returns trigger language plpgsql as $$
declare
  before jsonb := new.before_image;
  -- Written methods replace what was read. The other methods stay.
  login jsonb := coalesce(before -> 'login', '{}') || coalesce(new.sent -> 'login', '{}');
  action jsonb := coalesce(before -> 'action', '{}') || coalesce(new.sent -> 'action', '{}');
begin
  if new.status = 'refused' then
    update directory_user d set trust_reads_from = clock_timestamp()
    where d.account = new.account and d.op_uin = new.op_uin and old.status = 'unknown';
  elsif new.status = 'unknown' then
    update directory_user d set
      login_methods = null, action_methods = null, login_unreported = null, action_unreported = null,
      protections_as_of = null, source = null, trust_reads_from = clock_timestamp() + interval '60 seconds'
    where d.account = new.account and d.op_uin = new.op_uin;
  else
    insert into directory_user as d (
      account, op_uin, login_methods, action_methods, login_unreported, action_unreported, protections_as_of, source,
      trust_reads_from
    ) values (
      new.account, new.op_uin, directory_methods(login), directory_methods(action), directory_unreported(login),
      directory_unreported(action), clock_timestamp(), 'CHANGE', clock_timestamp() + interval '60 seconds'
    )
    on conflict (account, op_uin) do update set
      login_methods = excluded.login_methods, action_methods = excluded.action_methods,
      login_unreported = excluded.login_unreported, action_unreported = excluded.action_unreported,
      protections_as_of = excluded.protections_as_of, source = excluded.source,
      trust_reads_from = excluded.trust_reads_from, missing = 0, gone_at = null;
  end if;
  return null;
end
$$;
-->
create trigger mfa_change_directory after update of status on mfa_change for each row
  when (new.status in ('applied', 'refused', 'unknown') and new.status is distinct from old.status)
  execute function directory_follow_change();
-->
-- A role or database that presets session_replication_role = replica would turn it off otherwise.
alter table mfa_change enable always trigger mfa_change_directory;
-->
-- The scan of an account: the one under way, or the last one. One replica at a time has the lease.
create table directory_scan (
  account text primary key,
  -- When the scan under way or the last one was begun and ended. It is under way while it has begun and not ended.
  started_at timestamptz,
  finished_at timestamptz,
  -- When its list of users was read. Null until then.
  listed_at timestamptz,
  -- Users of the list, and users whose protections the scan has read.
  users integer not null default 0,
  read_users integer not null default 0,
  -- Users whose protections the scan could not read.
  failed_users integer not null default 0,
  -- The calls to CAM of the scan.
  calls integer not null default 0,
  -- Why the scan waits or ended without a result: the gateway's code, CAM's code and the action.
  code text,
  cam_code text,
  cam_action text,
  -- When the next scan is due. A scan under way is due when no replica has its lease.
  due_at timestamptz not null default clock_timestamp(),
  paused_at timestamptz,
  paused_by text,
  lease_owner text,
  lease_until timestamptz
);
