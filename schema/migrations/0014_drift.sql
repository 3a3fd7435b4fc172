-- Drift: changes of users' protections that the gateway did not make. Also indexes for the orders of the directory.
-- Times are the database's clock. A line with an arrow alone separates statements.

-- What the gateway last knew, while reads differ from it. Null while they agree.
alter table directory_user
  add column expected_login smallint,
  add column expected_action smallint,
  add column expected_login_unreported smallint,
  add column expected_action_unreported smallint,
  add column expected_as_of timestamptz,
  add column expected_source text,
  -- When the first read that differs began.
  add column differs_since timestamptz,
  -- When the read began that the gateway recorded last as drift.
  add column drifted_at timestamptz;
-->
create table directory_drift (
  id bigint primary key generated always as identity,
  account text not null,
  op_uin text not null,
  -- What the gateway last knew: methods that are on and that CAM did not report, as in directory_user.
  before_login smallint not null,
  before_action smallint not null,
  before_login_unreported smallint not null,
  before_action_unreported smallint not null,
  before_as_of timestamptz not null,
  before_source text not null,
  -- What two reads showed instead.
  after_login smallint not null,
  after_action smallint not null,
  after_login_unreported smallint not null,
  after_action_unreported smallint not null,
  first_seen_at timestamptz not null,
  seen_again_at timestamptz not null,
  source text not null,
  found_at timestamptz not null default clock_timestamp()
);
-->
create index directory_drift_by_account on directory_drift (account, id desc);
-->
-- Whether the outcome of a change of the user that is open or unknown could be these methods that are on. A change that
-- is being made can be anywhere between the states before and after it.
create function directory_change_explains(p_account text, p_op_uin text, p_login integer, p_action integer)
returns boolean language sql stable as $$
  select exists (
    select from mfa_change c
    where c.account = p_account and c.op_uin = p_op_uin
      and (c.status = 'pending'
        or c.status = 'unknown'
          -- SetMfaFlag sets phone, stoken and WeChat (13), and only in the protections that it names.
          and (c.sent -> 'login' is null or directory_methods(c.sent -> 'login') = p_login & 13)
          and (c.sent -> 'action' is null or directory_methods(c.sent -> 'action') = p_action & 13))
  )
$$;
-->
-- Compares each read with what the gateway knew. One read may be older than it looks, so two reads that begin a minute
-- apart make a drift. A change of the gateway settles what is expected.
create function directory_watch() returns trigger language plpgsql as $$
declare
  agrees boolean;
begin
  if new.protections_as_of is not distinct from old.protections_as_of then
    return new;
  end if;
  if old.login_methods is null or new.login_methods is null or new.source = 'CHANGE' then
    new.differs_since := null;
    return new;
  end if;
  if old.differs_since is null then
    new.expected_login := old.login_methods;
    new.expected_action := old.action_methods;
    new.expected_login_unreported := old.login_unreported;
    new.expected_action_unreported := old.action_unreported;
    new.expected_as_of := old.protections_as_of;
    new.expected_source := old.source;
  end if;
  -- Methods that CAM left out of one of the reads say nothing.
  agrees :=
    (new.login_methods # new.expected_login) & ~(new.login_unreported | new.expected_login_unreported)::integer & 255 = 0
    and (new.action_methods # new.expected_action)
      & ~(new.action_unreported | new.expected_action_unreported)::integer & 255 = 0;
  if agrees then
    new.differs_since := null;
  elsif old.differs_since is null then
    new.differs_since := new.protections_as_of;
  elsif new.protections_as_of >= old.differs_since + interval '60 seconds'
    and not directory_change_explains(new.account, new.op_uin, new.login_methods, new.action_methods)
  then
    insert into directory_drift (
      account, op_uin, before_login, before_action, before_login_unreported, before_action_unreported, before_as_of,
      before_source, after_login, after_action, after_login_unreported, after_action_unreported, first_seen_at,
      seen_again_at, source
    ) values (
      new.account, new.op_uin, new.expected_login, new.expected_action, new.expected_login_unreported,
      new.expected_action_unreported, new.expected_as_of, new.expected_source, new.login_methods, new.action_methods,
      new.login_unreported, new.action_unreported, old.differs_since, new.protections_as_of, new.source
    );
    new.drifted_at := new.protections_as_of;
    new.differs_since := null;
  end if;
  return new;
end
$$;
-->
-- The gateway's role only reads the drift.
do $$ begin
  execute format('alter function directory_watch() security definer set search_path = %I, pg_temp', current_schema());
end $$;
-->
revoke execute on function directory_watch, directory_change_explains from public;
-->
create trigger directory_user_watch before update on directory_user for each row execute function directory_watch();
-->
-- A role or database that presets session_replication_role = replica would turn it off otherwise.
alter table directory_user enable always trigger directory_user_watch;
-->
-- Users that differ are read again after a minute.
create index directory_user_that_differs on directory_user (account, differs_since) where differs_since is not null;
-->
create index directory_user_by_last_login on directory_user (coalesce(last_login, ''), account, op_uin)
  where gone_at is null;
-->
create index directory_user_by_created on directory_user (coalesce(created, ''), account, op_uin) where gone_at is null;
-->
create index directory_user_by_strength on directory_user (
  coalesce(case when login_methods = 0 and login_unreported & 13 > 0 then null else strength end, -1), account, op_uin
) where gone_at is null;
-->
create index directory_user_by_knowledge on directory_user (
  coalesce(protections_as_of, '-infinity'), account, op_uin
) where gone_at is null;
