//! A plan of faults: a seed and a list, from a TOML file or an admin call.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::error::VenueError;

/// Faults that are armed together. The same seed, the same plan and the same requests in the same
/// order bring the same faults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultPlan {
    /// What probabilities and random delays are drawn from.
    pub seed: u64,
    /// The faults, in the order in which they are asked.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

impl FaultPlan {
    /// Reads a plan; the error names the file and the line or member that is wrong.
    pub fn read(path: &Path) -> Result<Self, VenueError> {
        let failure = |reason: String| VenueError::FaultPlan { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| failure(error.to_string()))?;
        let plan: Self = toml::from_str(&text).map_err(|error| failure(error.to_string()))?;
        for (index, fault) in plan.faults.iter().enumerate() {
            fault.check().map_err(|error| failure(format!("fault {}: {error}", index + 1)))?;
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read<T>(text: &str, check: impl FnOnce(Result<FaultPlan, VenueError>) -> T) -> T {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        check(FaultPlan::read(file.path()))
    }

    #[test]
    fn a_plan_reads_like_its_documentation() {
        let plan = read(
            "seed = 7\n\
             [[fault]]\n\
             inject = { kind = \"rate_limit\" }\n\
             scope = { path = \"/v2/orders\", method = \"POST\" }\n\
             trigger = { count = 5 }\n\
             [[fault]]\n\
             inject.kind = \"slow_answer\"\n\
             inject.delay.uniform_ms = [50, 400]\n\
             trigger.probability = 0.25\n\
             trigger.until = \"2026-03-02T15:00:00Z\"\n",
            Result::unwrap,
        );
        assert_eq!((plan.seed, plan.faults.len()), (7, 2));
        assert_eq!(plan.faults[1].inject.name(), "slow_answer");
    }

    #[test]
    fn a_wrong_plan_is_refused_with_its_place() {
        let message = |plan: Result<FaultPlan, VenueError>| plan.unwrap_err().to_string();
        let unknown = read("seed = 7\nfaults = []\n", message);
        assert!(unknown.contains("line 2") && unknown.contains("faults"), "{unknown}");
        let text = "[[fault]]\ninject.kind = \"rate_limit\"\ntrigger.every = 0\n";
        let senseless = read(text, message);
        assert!(
            senseless.contains("fault 1") && senseless.contains("trigger.every"),
            "{senseless}"
        );
    }
}
