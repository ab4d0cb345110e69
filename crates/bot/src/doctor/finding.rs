//! What was found, and how people and programs read it.

use std::fmt::{self, Write as _};

use owo_colors::OwoColorize;
use serde::Serialize;

/// What a finding is about. Shown in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Git, the state directory, the disk.
    Machine,
    /// The config, and who may do what.
    Config,
    /// The database.
    Database,
    /// The repositories.
    Repositories,
    /// The sandbox, and what can be reached in it.
    Cage,
    /// The agents.
    Agents,
    /// Slack.
    Slack,
    /// The running instance and its page.
    Instance,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "machine",
            Self::Config => "config",
            Self::Database => "database",
            Self::Repositories => "repositories",
            Self::Cage => "cage",
            Self::Agents => "agents",
            Self::Slack => "slack",
            Self::Instance => "instance",
        })
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It works.
    Ok,
    /// It works, but not for everything.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub group: Group,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen; further lines belong to the first.
    pub what: String,
    /// What to do about it: a command or a key of the config.
    pub fix: Option<String>,
}

impl Finding {
    /// Something that works.
    pub fn ok(group: Group, what: impl Into<String>) -> Self {
        Self { group, verdict: Verdict::Ok, what: what.into(), fix: None }
    }

    /// Something that works, but not for everything.
    pub fn warn(group: Group, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { group, verdict: Verdict::Warn, what: what.into(), fix: Some(fix.into()) }
    }

    /// Something that does not work.
    pub fn fail(group: Group, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { group, verdict: Verdict::Fail, what: what.into(), fix: Some(fix.into()) }
    }

    /// A few lines for a person.
    pub fn text(&self, has_colors: bool) -> String {
        let word = match self.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        let word = match (has_colors, self.verdict) {
            (false, Verdict::Ok | Verdict::Warn | Verdict::Fail) => word.to_owned(),
            (true, Verdict::Ok) => word.green().to_string(),
            (true, Verdict::Warn) => word.yellow().to_string(),
            (true, Verdict::Fail) => word.red().bold().to_string(),
        };
        let mut text = format!("  {word}  {}\n", indented(&self.what));
        if let Some(fix) = &self.fix {
            let _ = writeln!(text, "        → {}", indented(fix));
        }
        text
    }
}

/// Further lines stand below the first.
fn indented(text: &str) -> String {
    text.replace('\n', "\n        ")
}

/// The last line: what all of it comes to.
pub fn summary(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let counted = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => "Everything works.".to_owned(),
        (0, warned) => format!("Everything works, with {}.", counted(warned, "warning", "warnings")),
        (failed, 0) => format!("{} not work.", counted(failed, "thing does", "things do")),
        (failed, warned) => format!(
            "{} not work; {} beside.",
            counted(failed, "thing does", "things do"),
            counted(warned, "warning", "warnings")
        ),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_finding_says_how_it_stands_and_what_to_do() {
        let findings = [
            Finding::ok(Group::Machine, "git 2.47.3"),
            Finding::warn(Group::Repositories, "web: lands untested", "name checks in .downbeat/config.toml"),
            Finding::fail(Group::Config, "line 3: no\n   3 | agnet\n     | ^", "correct it"),
        ];
        let text: String = findings.iter().map(|finding| finding.text(false)).collect();
        expect![[r#"
            found
              ok    git 2.47.3
              warn  web: lands untested
                    → name checks in .downbeat/config.toml
              fail  line 3: no
                       3 | agnet
                         | ^
                    → correct it
        "#]]
        .assert_eq(&format!("found\n{text}"));
        assert_eq!(summary(&findings), "1 thing does not work; 1 warning beside.");
        assert_eq!(summary(&findings[..2]), "Everything works, with 1 warning.");
        assert_eq!(summary(&findings[..1]), "Everything works.");
        assert!(findings[2].text(true).contains("\u{1b}["));
    }
}
