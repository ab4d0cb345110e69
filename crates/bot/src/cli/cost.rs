//! `downbeat cost`: what agents used, from the command line.

use std::time::Duration;

use agents::money::Grouping;
use clap::Args;

use super::exit::Exit;
use super::instance::{Form, show};
use crate::control::wire::Ask;
use crate::place::PlaceArgs;

/// What to sum up, and over what time.
#[derive(Args, Clone, Debug)]
pub struct CostArgs {
    /// By what to sum up: agent, model, person, repo, task, or all in one
    #[arg(long, value_name = "WHAT", default_value = "agent", value_parser = grouping)]
    by: Grouping,
    /// How far back, as 90m, 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
    since: Duration,
    #[command(flatten)]
    form: Form,
}

/// Prints it.
pub async fn run(args: CostArgs, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let CostArgs { by, since, form } = args;
    show(place, form, &Ask::Costs { by, within_s: since.as_secs() }).await
}

fn grouping(word: &str) -> Result<Grouping, String> {
    Grouping::of(word).ok_or_else(|| "write agent, model, person, repo, task or all".to_owned())
}

fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and m, h or d, as in 7d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let n: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    n.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(span("90m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(span("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(span("7d"), Ok(Duration::from_secs(604_800)));
        for text in ["", "7", "d", "-1d", "7w", "ü", "99999999999999999999d", "9999999999999999999d"] {
            assert_eq!(span(text).unwrap_err(), "write a number and m, h or d, as in 7d", "{text}");
        }
    }
}
