//! Whether everything has been said and done.

use super::tasks::WorkTally;
use super::vitals::Pending;

/// Looks twice: counters only grow, so two equal looks in which nothing was pending prove that
/// nothing was pending between them.
pub(super) fn is_idle(work: &WorkTally, look: impl Fn() -> Vec<Pending>) -> bool {
    let (begun, first) = (work.begun(), look());
    let settled = |all: &[Pending]| all.iter().all(|actor| actor.sent == actor.done);
    if !work.is_done() || !settled(&first) {
        return false;
    }
    let second = look();
    settled(&second) && first == second && work.is_done() && work.begun() == begun
}
