-- Indexes for every filter of mfaChanges, each with its rows in the order of a page, so that a page reads about as many
-- rows as it has. Reads name each status, so one index serves with and without it. A column with nothing appended to it
-- is for those reads alone that ask so (src/audit/changes-page.ts). A line with an arrow alone separates statements.

drop index mfa_change_by_user;
-->
drop index mfa_change_by_account;
-->
drop index mfa_change_by_caller;
-->
-- The index by user finds what awaits approval as well.
drop index mfa_change_awaiting;
-->
create index mfa_change_by_status on mfa_change ((status || ''), created_at desc, begun desc);
-->
create index mfa_change_by_account on mfa_change (account, status, created_at desc, begun desc);
-->
create index mfa_change_by_user on mfa_change (op_uin, status, created_at desc, begun desc);
-->
create index mfa_change_by_caller on mfa_change (caller_subject, status, created_at desc, begun desc);
-->
-- Two callers, each of another account, have nothing in common, however many rows each index has for one of them.
create index mfa_change_by_caller_and_account
  on mfa_change ((caller_subject || ' ' || account), status, created_at desc, begun desc);
-->
-- A role or database that presets session_replication_role = replica would turn them off otherwise.
alter table mfa_change enable always trigger mfa_change_sealed;
-->
alter table mfa_change enable always trigger mfa_change_kept;
-->
alter table audit_chain enable always trigger audit_chain_kept;
-->
alter table audit_checkpoint enable always trigger audit_checkpoint_kept;
-->
alter table caller_pause enable always trigger caller_pause_kept;
-->
alter table caller_pause enable always trigger caller_pause_over;
