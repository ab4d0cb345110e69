//! Versions of coding agents: what a program says of itself, beside the one that this release was tried with.

use std::path::Path;
use std::time::Duration;

use agents::cage::{Access, Cage, Limits, SilentSink};
use agents::session::launch::needed_by;
use tokio_util::sync::CancellationToken;

/// The longest that a program may take to tell its version. Those of Node take three seconds on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);
/// Characters of a version that are shown.
const CHARS_MAX: usize = 40;

/// What the program says of itself, in the cage and without a network; below `scratch` it gets a place to stand in.
pub async fn version_of(program: &Path, cage: &Cage, scratch: &Path) -> Result<String, String> {
    let private = scratch.join(format!("version-{}", program.display().to_string().replace('/', "-")));
    let tree = private.join("tree");
    std::fs::create_dir_all(&tree).map_err(|error| format!("{}: {error}", tree.display()))?;
    let command = vec![program.display().to_string(), "--version".to_owned()];
    let mut order = cage.order(command, tree, &private);
    order.access = Access::ReadOnly;
    order.read = needed_by(program);
    order.limits = Limits { time: LIMIT, ..order.limits };
    let ended = cage.run(order, &CancellationToken::new(), &SilentSink).await;
    let words = ended.stdout.lines().find(|line| line.chars().any(|c| c.is_ascii_digit()));
    words.map(plain).ok_or_else(|| {
        let last = ended.output_tail.lines().last().unwrap_or_default();
        format!("{} --version {} {last}", program.display(), ended.how).trim_end().to_owned()
    })
}

/// The version alone where it can be told from the words around it, else as much of the words as fits.
fn plain(line: &str) -> String {
    let numbers = numbers_in(line).map(|numbers| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("."));
    numbers.unwrap_or_else(|| line.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect())
}

/// How a version stands to the one that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// The same, or a later one with the same first number; also where nothing was tried or nothing can be read.
    Near,
    /// An older one: what is spoken with may not be there yet.
    Older,
    /// A later one with another first number: what is spoken with may be gone.
    Beyond,
}

/// How what a program says of itself stands to the version that was tried.
pub fn distance(said: &str, tried: &str) -> Distance {
    let (Some(said), Some(tried)) = (numbers_in(said), numbers_in(tried)) else { return Distance::Near };
    match said.cmp(&tried) {
        std::cmp::Ordering::Less => Distance::Older,
        std::cmp::Ordering::Equal => Distance::Near,
        std::cmp::Ordering::Greater if said[0] == tried[0] => Distance::Near,
        std::cmp::Ordering::Greater => Distance::Beyond,
    }
}

/// The first word with a dot that is made of numbers: `2.1.330` of `2.1.330 (Claude Code)`, `1.0` of `tool v1.0-beta`.
fn numbers_in(text: &str) -> Option<Vec<u64>> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let numbers = |word: &str| word.trim_matches('.').split('.').map(|part| part.parse().ok()).collect::<Option<_>>();
    words.filter(|word| word.trim_matches('.').contains('.')).find_map(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_from_what_a_program_says_of_itself() {
        assert_eq!(distance("2.1.330 (Claude Code)", "2.1.330"), Distance::Near);
        assert_eq!(distance("codex-cli 0.170.2", "0.169.0"), Distance::Near);
        assert_eq!(distance("GitHub Copilot CLI 1.0.9.", "1.0.102"), Distance::Older);
        assert_eq!(distance("v3.0.0", "2.1.330"), Distance::Beyond);
        assert_eq!(distance("unknown", "2.1.330"), Distance::Near);
        assert_eq!(distance("1.0", ""), Distance::Near);
        assert_eq!([plain("GitHub Copilot CLI 1.0.9."), plain("build 7")], ["1.0.9", "build 7"]);
    }
}
