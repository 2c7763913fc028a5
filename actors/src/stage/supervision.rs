//! Who restarts whom: supervisors of `ractor-supervisor`, with back-off and a ceiling.

use super::role::{Cue, Message, Player, Role};
use super::{Address, Stage};
use ractor::{ActorCell, SpawnErr};
use ractor_supervisor::{
    ChildBackoffFn, ChildSpec, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorOptions,
    Restart, SpawnFn, Supervisor, SupervisorArguments, SupervisorOptions, SupervisorStrategy,
};
use std::sync::Arc;
use std::time::Duration;

/// How often and how soon a failed actor is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupervisionPolicy {
    /// Restarts within the window before an actor stays down.
    pub max_restarts: u32,
    /// In which restarts are counted.
    pub window: Duration,
    /// Pause before the first restart; each further one waits twice as long.
    pub backoff_min: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
}

/// A child of a supervisor, by the path of its address.
pub(crate) type Supervised = ChildSpec;

impl SupervisionPolicy {
    fn pause(self, restarts: usize) -> Duration {
        let doublings = u32::try_from(restarts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        self.backoff_min.saturating_mul(2_u32.saturating_pow(doublings)).min(self.backoff_max)
    }

    fn backoff(self) -> ChildBackoffFn {
        ChildBackoffFn::new(move |_child, restarts, _last, _reset| Some(self.pause(restarts)))
    }

    fn ceiling(self) -> usize {
        usize::try_from(self.max_restarts).unwrap_or(usize::MAX)
    }
}

/// A child that is always started again. `make` gives a fresh role for each life.
pub(crate) fn supervised<R: Role>(
    stage: &Arc<Stage>,
    address: &Address<R::Message>,
    make: impl Fn() -> R + Send + Sync + 'static,
) -> Supervised
where
    R::Message: Message,
{
    let (stage_of_child, me) = (Arc::clone(stage), address.clone());
    let make = Arc::new(make);
    let spawn_fn = SpawnFn::new(move |supervisor: ActorCell, name: String| {
        let cue = Cue { stage: Arc::clone(&stage_of_child), me: me.clone() };
        let player = Player { role: make(), cue };
        async move {
            let spawned = Supervisor::spawn_linked(name, player, (), supervisor).await?;
            Ok::<_, SpawnErr>(spawned.0.get_cell())
        }
    });
    ChildSpec {
        id: stage.registered(address.path()),
        restart: Restart::Permanent,
        spawn_fn,
        backoff_fn: Some(stage.policy.backoff()),
        reset_after: Some(stage.policy.window),
    }
}

/// A supervisor with a fixed set of children. `restart` says what happens once it has given up.
pub(crate) fn group(
    stage: &Arc<Stage>,
    path: &str,
    (strategy, restart): (SupervisorStrategy, Restart),
    children: Vec<Supervised>,
) -> Supervised {
    let backoff_fn = (restart != Restart::Temporary).then(|| stage.policy.backoff());
    let options = SupervisorOptions {
        strategy,
        max_restarts: stage.policy.ceiling(),
        max_window: stage.policy.window,
        reset_after: Some(stage.policy.window),
    };
    let spawn_fn = SpawnFn::new(move |supervisor: ActorCell, name: String| {
        let arguments =
            SupervisorArguments { child_specs: children.clone(), options: options.clone() };
        async move {
            let spawned = Supervisor::spawn_linked(name, Supervisor, arguments, supervisor).await?;
            Ok::<_, SpawnErr>(spawned.0.get_cell())
        }
    });
    ChildSpec {
        id: stage.registered(&format!("{path}/supervisor")),
        restart,
        spawn_fn,
        backoff_fn,
        reset_after: Some(stage.policy.window),
    }
}

/// A supervisor whose children come and go. Each child is a group with a ceiling of its own that
/// the pool never restarts, so the pool itself has none: one child must not end all the others.
pub(crate) fn pool(stage: &Arc<Stage>, path: &str, children_max: usize) -> Supervised {
    let options = DynamicSupervisorOptions {
        max_children: Some(children_max),
        max_restarts: usize::MAX,
        max_window: stage.policy.window,
        reset_after: Some(stage.policy.window),
    };
    let spawn_fn = SpawnFn::new(move |supervisor: ActorCell, name: String| {
        let options = options.clone();
        async move {
            let spawned =
                DynamicSupervisor::spawn_linked(name, DynamicSupervisor, options, supervisor)
                    .await?;
            Ok::<_, SpawnErr>(spawned.0.get_cell())
        }
    });
    ChildSpec {
        id: stage.registered(&format!("{path}/supervisor")),
        restart: Restart::Permanent,
        spawn_fn,
        backoff_fn: Some(stage.policy.backoff()),
        reset_after: Some(stage.policy.window),
    }
}

/// The living pool at `path`, to add children to.
pub(crate) fn living_pool(
    stage: &Stage,
    path: &str,
) -> Option<ractor::ActorRef<DynamicSupervisorMsg>> {
    ractor::ActorRef::where_is(stage.registered(&format!("{path}/supervisor")))
}

/// Whether something runs at `path` with a supervisor of its own.
pub(crate) fn is_supervised(stage: &Stage, path: &str) -> bool {
    ractor::registry::where_is(stage.registered(&format!("{path}/supervisor"))).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_restart_waits_twice_as_long_up_to_the_longest_pause() {
        let policy = SupervisionPolicy {
            max_restarts: 5,
            window: Duration::from_mins(1),
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_millis(500),
        };
        let pauses: Vec<_> = (1..=5).map(|count| policy.pause(count).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 500, 500]);
    }
}
