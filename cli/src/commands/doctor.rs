//! `troupe doctor`: looks at machine, settings, database and keys, and says what to do.

mod database;
mod keys;
mod machine;
mod settings;

use std::process::ExitCode;

use config::Sources;
use serde::Serialize;

use crate::args::{DoctorArgs, Format};
use crate::output;

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// As it should be.
    Ok,
    /// The engine runs, but not as well or as safely as it could.
    Warn,
    /// The engine would not start, or not trade.
    Fail,
}

/// What was found about one thing.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    /// What was looked at; stable, for programs.
    check: &'static str,
    status: Status,
    /// What was seen.
    detail: String,
    /// What to do; `None` when nothing needs doing.
    advice: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Report {
    /// The worst of the findings.
    status: Status,
    findings: Vec<Finding>,
}

/// Runs all checks. Exit status 1 when any of them failed.
pub(crate) async fn doctor(
    sources: &Sources,
    flags: &DoctorArgs,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let (loaded, mut findings) = settings::look(sources);
    findings.extend(machine::look());
    if let Some(settings) = &loaded {
        findings.extend(machine::look_at_places(settings));
        findings.extend(database::look(settings).await);
        findings.extend(keys::look(settings, flags.online).await);
    }
    let status = findings.iter().map(|finding| finding.status).max().unwrap_or(Status::Ok);
    let report = Report { status, findings };
    match format {
        Format::Json => output::json(&report)?,
        Format::Human => output::line(&report.for_people())?,
    }
    Ok(if report.status == Status::Fail { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, detail: detail.into(), advice: None }
    }

    fn warn(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice = Some(advice.into());
        Self { check, status: Status::Warn, detail: detail.into(), advice }
    }

    fn fail(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice = Some(advice.into());
        Self { check, status: Status::Fail, detail: detail.into(), advice }
    }
}

impl Report {
    fn for_people(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.findings {
            let status = match finding.status {
                Status::Ok => "ok  ",
                Status::Warn => "WARN",
                Status::Fail => "FAIL",
            };
            lines.push(format!("{status}  {:<12}  {}", finding.check, finding.detail));
            if let Some(advice) = &finding.advice {
                lines.push(format!("{:20}what to do: {advice}", ""));
            }
        }
        let count = |status| self.findings.iter().filter(|f| f.status == status).count();
        let (failed, warned) = (count(Status::Fail), count(Status::Warn));
        lines.push(match (failed, warned) {
            (0, 0) => "nothing stands in the way of troupe run".to_owned(),
            (0, warned) => format!("nothing stands in the way of troupe run; {warned} to look at"),
            (failed, warned) => format!("{failed} to repair first, {warned} to look at"),
        });
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_for_people_shows_status_detail_advice_and_a_verdict() {
        let findings =
            vec![Finding::ok("cores", "2"), Finding::fail("port", "8000 is in use", "free it")];
        let text = Report { status: Status::Fail, findings }.for_people();
        assert!(text.contains("ok    cores         2\n"), "{text}");
        assert!(text.contains("FAIL  port          8000 is in use\n"), "{text}");
        assert!(text.contains("what to do: free it\n"), "{text}");
        assert!(text.ends_with("1 to repair first, 0 to look at"), "{text}");
    }

    #[test]
    fn the_worst_finding_is_the_last_in_order() {
        assert!(Status::Ok < Status::Warn && Status::Warn < Status::Fail);
    }
}
