-- The roles of the demo stack (docs/operators/database.md). The passwords work in the stack only.
create role gateway_owner login password 'owner-demo-only';
create role gateway login password 'gateway-demo-only';
alter database gateway owner to gateway_owner;
