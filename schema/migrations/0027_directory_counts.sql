-- Indexes that answer counts and searches of the directory without its wide rows, which take most of the time of a read
-- of all users. A line with an arrow alone separates statements.

-- The gateway keeps at most 300 characters of a text from now on, because an index entry has at most 2,704 bytes.
update directory_user set name = left(name, 300), remark = left(remark, 300)
  where length(name) > 300 or length(remark) > 300;
-->
-- Searches.
create index directory_user_by_words on directory_user (account, op_uin, search) where gone_at is null;
-->
-- Counts by account and state. Equal entries share their space.
create index directory_user_by_state on directory_user (
  account, strength, login_unreported, action_methods, action_unreported, login_methods, has_phone, console_login
) where gone_at is null;
-->
create index directory_user_never_logged_in on directory_user (account)
  where gone_at is null and last_login is null and logins_as_of is not null;
-->
-- PostgreSQL reads an index alone for rows that it has vacuumed. A scan writes every row.
alter table directory_user set (autovacuum_vacuum_scale_factor = 0.05);
