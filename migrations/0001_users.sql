-- People who may log in, and the refresh tokens they hold.

create table users (
    id uuid primary key,
    email varchar(255) not null,
    username varchar(50) not null,
    password_hash varchar(255) not null,
    first_name varchar(100),
    last_name varchar(100),
    role text not null default 'user',
    is_active boolean not null default true,
    is_superuser boolean generated always as (role = 'admin') stored,
    is_verified boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    last_login timestamptz,
    alpaca_api_key_encrypted text,
    alpaca_secret_key_encrypted text,
    initial_capital numeric(15, 2) not null default 10000.00,
    risk_per_trade numeric(5, 4) not null default 0.02,
    max_positions integer not null default 5,
    paper_trading boolean not null default true,
    constraint valid_email check (email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
    -- No '@': a user name can then never be read as somebody else's e-mail address at login.
    constraint valid_username check (username ~ '^[A-Za-z0-9_.-]{3,50}$'),
    constraint valid_role check (role in ('user', 'operator', 'admin')),
    constraint valid_initial_capital check (initial_capital >= 0),
    constraint valid_risk_per_trade check (risk_per_trade > 0 and risk_per_trade <= 1),
    constraint valid_max_positions check (max_positions > 0)
);

-- Addresses and names differ only in case: one person.
create unique index users_email_key on users (lower(email));
create unique index users_username_key on users (lower(username));

comment on table users is 'People who may log in. A user with a journal is deactivated, never deleted.';
comment on column users.id is 'Given by the engine''s id source.';
comment on column users.email is 'Login name and address for mail, as typed; unique without regard to case.';
comment on column users.username is 'Login name shown to others, as typed; unique without regard to case; never holds an @.';
comment on column users.password_hash is 'Argon2id in PHC string format, with its salt and parameters.';
comment on column users.first_name is 'Null: not told.';
comment on column users.last_name is 'Null: not told.';
comment on column users.role is 'user, operator (sees the actor tree, may engage the firm kill switch) or admin (also manages users).';
comment on column users.is_active is 'False: may not log in and no config of this user trades.';
comment on column users.is_superuser is 'Computed: role is admin. Kept for readers of the published contract.';
comment on column users.is_verified is 'The e-mail address has been confirmed.';
comment on column users.created_at is 'When the account was registered.';
comment on column users.updated_at is 'When any column of this row last changed.';
comment on column users.last_login is 'Last successful login. Null: never logged in.';
comment on column users.alpaca_api_key_encrypted is 'Broker key id, sealed by the engine''s key. Null: no credentials stored, the venue''s demo account is used.';
comment on column users.alpaca_secret_key_encrypted is 'Broker secret, sealed by the engine''s key. Null together with the key id.';
comment on column users.initial_capital is 'US dollars the user starts with; profit is counted from here.';
comment on column users.risk_per_trade is 'Share of equity at risk per trade, a fraction: 0.02 is two percent.';
comment on column users.max_positions is 'Most positions open at once, over all configs.';
comment on column users.paper_trading is 'True: orders go to a paper account only.';

create table user_sessions (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    family_id uuid not null,
    refresh_token_hash text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz,
    ip_address inet,
    user_agent text,
    constraint user_sessions_refresh_token_hash_key unique (refresh_token_hash),
    constraint valid_refresh_token_hash check (refresh_token_hash ~ '^[0-9a-f]{64}$'),
    constraint valid_expiry check (expires_at > created_at)
);

create index idx_sessions_user on user_sessions (user_id);
create index idx_sessions_family on user_sessions (family_id);
create index idx_sessions_expires on user_sessions (expires_at);

comment on table user_sessions is 'One row per refresh token ever handed out and not yet expired. A rotated token stays, marked used, so that its re-use is seen.';
comment on column user_sessions.id is 'Given by the engine''s id source.';
comment on column user_sessions.user_id is 'Whose session; the rows go with the user.';
comment on column user_sessions.family_id is 'All tokens that descend from one login share it; re-use of an old one revokes the whole family.';
comment on column user_sessions.refresh_token_hash is 'SHA-256 of the token in lower-case hex. The token itself is nowhere in the database.';
comment on column user_sessions.expires_at is 'After this moment the token is refused and the row may be purged.';
comment on column user_sessions.created_at is 'When this token was handed out.';
comment on column user_sessions.used_at is 'When the token was exchanged for its successor. Null: not yet, this is the live end of its family.';
comment on column user_sessions.revoked_at is 'When the family was revoked (logout, re-use, password change). Null: not revoked.';
comment on column user_sessions.ip_address is 'Address the token was asked for from. Null: not known (a unix socket, a test).';
comment on column user_sessions.user_agent is 'What the client called itself, cut to a sane length by the gateway. Null: it did not say.';
