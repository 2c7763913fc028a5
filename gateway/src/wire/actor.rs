//! The actor tree on the wire.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine_port::ActorReport;

/// The whole tree.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorTree {
    /// The top of the tree, sorted by name.
    pub(crate) actors: Vec<ActorNode>,
}

/// An actor, or a group of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorNode {
    /// Last segment of the path.
    #[schema(example = "account")]
    pub(crate) name: String,
    /// Where it is in the tree.
    #[schema(example = "desk/0190a1b2/account")]
    pub(crate) path: String,
    /// What it is; `group`: no actor, just a level of the tree.
    #[schema(example = "account")]
    pub(crate) kind: String,
    /// `waiting`, `starting`, `running`, `failed` or `stopped`; of a group: the most alarming state
    /// below it.
    #[schema(example = "running")]
    pub(crate) state: String,
    /// When it was last started; null: not yet, or a group.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// Starts after the first.
    pub(crate) restarts: u64,
    /// Messages sent to it.
    pub(crate) sent: u64,
    /// Messages it has handled.
    pub(crate) handled: u64,
    /// Messages that were lost with an earlier life of it.
    pub(crate) dropped: u64,
    /// Messages that wait.
    pub(crate) mailbox: u64,
    /// Time spent handling messages, microseconds.
    pub(crate) busy_us: u64,
    /// Name of the message handled last.
    pub(crate) last_message: Option<String>,
    /// What failed last.
    pub(crate) last_error: Option<String>,
    /// What it says of itself; null when it does not answer.
    #[schema(value_type = Object)]
    pub(crate) summary: serde_json::Value,
    /// What is below it, sorted by name.
    #[schema(no_recursion)]
    pub(crate) children: Vec<ActorNode>,
}

impl ActorTree {
    /// Makes the tree from the flat list: the segments of the paths are its levels.
    pub(crate) fn of(reports: Vec<ActorReport>) -> Self {
        let mut root = Branch::default();
        for report in reports {
            let path = report.path.clone();
            let branch = path
                .split('/')
                .fold(&mut root, |at, name| at.children.entry(name.to_owned()).or_default());
            branch.report = Some(report);
        }
        Self { actors: root.into_nodes("") }
    }
}

#[derive(Default)]
struct Branch {
    report: Option<ActorReport>,
    children: BTreeMap<String, Branch>,
}

impl Branch {
    fn into_nodes(self, path: &str) -> Vec<ActorNode> {
        let node = |(name, branch): (String, Self)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            branch.into_node(name, path)
        };
        self.children.into_iter().map(node).collect()
    }

    fn into_node(mut self, name: String, path: String) -> ActorNode {
        let report = self.report.take();
        let children = self.into_nodes(&path);
        let report = report.unwrap_or_else(|| group(&path, &children));
        ActorNode {
            name,
            path,
            kind: report.kind,
            state: report.state,
            started_at: report.started_at,
            restarts: report.restarts,
            sent: report.sent,
            handled: report.handled,
            dropped: report.dropped,
            mailbox: report.mailbox,
            busy_us: report.busy_us,
            last_message: report.last_message,
            last_error: report.last_error,
            summary: report.summary,
            children,
        }
    }
}

/// States from the least to the most alarming.
const STATES: [&str; 5] = ["running", "stopped", "waiting", "starting", "failed"];

/// A level of the tree that no actor stands for; its counters are its own, so zero.
fn group(path: &str, children: &[ActorNode]) -> ActorReport {
    let alarm = |state: &str| STATES.iter().position(|known| *known == state);
    let state = children.iter().map(|child| child.state.as_str()).max_by_key(|state| alarm(state));
    ActorReport {
        path: path.to_owned(),
        kind: "group".to_owned(),
        state: state.unwrap_or("waiting").to_owned(),
        started_at: None,
        restarts: 0,
        sent: 0,
        handled: 0,
        dropped: 0,
        mailbox: 0,
        busy_us: 0,
        last_message: None,
        last_error: None,
        summary: serde_json::Value::Null,
    }
}
