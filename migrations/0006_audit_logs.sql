-- Who did what: logins, changes of settings, kill switches, operators' commands.

create table audit_logs (
    id uuid primary key,
    user_id uuid references users (id) on delete set null,
    action varchar(100) not null,
    resource_type varchar(50),
    resource_id uuid,
    details jsonb,
    ip_address inet,
    created_at timestamptz not null
);

create index idx_audit_logs_user on audit_logs (user_id);
create index idx_audit_logs_action on audit_logs (action);
create index idx_audit_logs_time on audit_logs (created_at desc);

comment on table audit_logs is 'Who did what. Written once, never changed.';
comment on column audit_logs.id is 'Given by the engine''s id source.';
comment on column audit_logs.user_id is 'Who acted. Null: nobody known (a failed login), the engine itself, or a user deleted since.';
comment on column audit_logs.action is 'What was done, snake_case with dots: auth.login_failed.';
comment on column audit_logs.resource_type is 'Kind of thing it was done to. Null: to nothing in particular.';
comment on column audit_logs.resource_id is 'Which one. Null: the thing has no uuid, or there is none.';
comment on column audit_logs.details is 'What else is worth knowing; never a secret. Null: nothing.';
comment on column audit_logs.ip_address is 'Where the request came from. Null: not from the network.';
comment on column audit_logs.created_at is 'When it was done.';
