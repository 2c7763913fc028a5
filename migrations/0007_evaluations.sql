-- Evaluations as tasks: what was asked, every run, and which parameters won.

create table evaluation_tasks (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    config_id uuid references trading_configs (id) on delete cascade,
    status text not null,
    metric_name text not null,
    request jsonb not null,
    runs_total integer not null,
    runs_done integer not null,
    error text,
    created_at timestamptz not null,
    finished_at timestamptz,
    constraint valid_status check (status in ('processing', 'completed', 'cancelled', 'failed')),
    constraint valid_runs check (runs_done between 0 and runs_total),
    constraint valid_finish check ((status = 'processing') = (finished_at is null))
);

create index idx_evaluation_tasks_user on evaluation_tasks (user_id, created_at desc);

comment on table evaluation_tasks is 'One evaluation: strategies on tickers over parameter grids.';
comment on column evaluation_tasks.id is 'Given by the engine''s id source; the task_id of the API.';
comment on column evaluation_tasks.user_id is 'Who asked for it.';
comment on column evaluation_tasks.config_id is 'The config it was run for. Null: by hand, for no config.';
comment on column evaluation_tasks.status is 'processing, completed, cancelled or failed.';
comment on column evaluation_tasks.metric_name is 'Metric the runs are ranked by, such as sharpe_ratio.';
comment on column evaluation_tasks.request is 'What was asked: tickers with their ranges of time, strategies, costs, rules of filling.';
comment on column evaluation_tasks.runs_total is 'Backtests it is made of.';
comment on column evaluation_tasks.runs_done is 'Backtests that have ended.';
comment on column evaluation_tasks.error is 'Why it failed, in words. Null: it did not.';
comment on column evaluation_tasks.created_at is 'When it was asked for.';
comment on column evaluation_tasks.finished_at is 'When it ended, however it did. Null: it still runs.';

create table evaluation_runs (
    task_id uuid not null references evaluation_tasks (id) on delete cascade,
    number integer not null,
    ticker text not null,
    strategy_name text not null,
    params jsonb not null,
    rank integer,
    score double precision,
    metrics jsonb not null,
    refusal text,
    constraint evaluation_runs_pkey primary key (task_id, number),
    constraint valid_rank check (rank > 0)
);

create index idx_evaluation_runs_rank on evaluation_runs (task_id, ticker, rank);

comment on table evaluation_runs is 'Each backtest of an evaluation.';
comment on column evaluation_runs.task_id is 'The evaluation.';
comment on column evaluation_runs.number is 'Place in the evaluation''s plan, from 0.';
comment on column evaluation_runs.ticker is 'Symbol it ran on; of a pair both, with a comma between.';
comment on column evaluation_runs.strategy_name is 'Name in the strategy registry, such as sma_cross.';
comment on column evaluation_runs.params is 'All parameters by name.';
comment on column evaluation_runs.rank is 'Place among the task''s runs on this ticker; 1 is the best. Null: it has no score.';
comment on column evaluation_runs.score is 'Value of the task''s metric; a double, as all statistics are. Null: not defined for this run.';
comment on column evaluation_runs.metrics is 'All metrics of the run by name; fractions, not percent. Empty: it did not run.';
comment on column evaluation_runs.refusal is 'Why it did not run, in words. Null: it did.';

-- The winner is not named by its strategy alone: the grid found its parameters too. Rows of before had
-- none but the defaults, which an empty object stands for.
alter table strategy_evaluations
    add column params jsonb not null default '{}',
    add column task_id uuid references evaluation_tasks (id) on delete set null;
alter table best_strategies
    add column params jsonb not null default '{}',
    add column task_id uuid references evaluation_tasks (id) on delete set null;
-- final_equity and profit_factor are metrics too, and do not fit six digits.
alter table strategy_evaluations alter column score type numeric(28, 8);
alter table best_strategies alter column score type numeric(28, 8);

comment on column strategy_evaluations.params is 'The best parameters its grid had, by name. Empty: the defaults.';
comment on column strategy_evaluations.task_id is 'The evaluation that found it. Null: that was deleted.';
comment on column strategy_evaluations.score is 'Value of metric_name, by which strategies are ranked. Most metrics are better the greater; the engine knows which are not.';
comment on column best_strategies.params is 'The parameters it won with, by name. Empty: the defaults.';
comment on column best_strategies.task_id is 'The evaluation that chose it. Null: that was deleted, or it was chosen by hand.';
