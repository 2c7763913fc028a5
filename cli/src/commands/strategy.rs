//! `troupe strategy`: the catalogue, and a new strategy's files.

mod new;

use engine::strategy::ParamSpec;
use serde::Serialize;
use strategies::Definition;

use crate::args::{Format, StrategyArgs, StrategyCommand};
use crate::output;

/// The catalogue as programs read it.
#[derive(Debug, Serialize)]
struct Catalogue {
    strategies: &'static [Definition],
}

/// Lists, or writes a new one.
pub(crate) fn strategy(flags: &StrategyArgs, format: Format) -> anyhow::Result<()> {
    match &flags.command {
        StrategyCommand::List => list(format),
        StrategyCommand::New { name, sources } => new::write(name, sources.as_deref(), format),
    }
}

fn list(format: Format) -> anyhow::Result<()> {
    let all = strategies::catalogue();
    match format {
        Format::Json => output::json(&Catalogue { strategies: all }),
        Format::Human => output::line(&table(all)),
    }
}

fn table(all: &[Definition]) -> String {
    let mut lines = Vec::new();
    for definition in all {
        lines.push(format!("{:<20}  {}", definition.name, definition.description));
        let widest = definition.params.iter().map(|spec| spec.name.len()).max().unwrap_or(0);
        lines.extend(definition.params.iter().map(|spec| param_line(spec, widest)));
    }
    lines.join("\n")
}

fn param_line(spec: &ParamSpec, width: usize) -> String {
    let ParamSpec { name, description, unit, default, min, max, .. } = spec;
    let setting = format!("{name:<width$} = {default}");
    format!("    {setting:<24}  {min} to {max} {unit}. {description}")
}
