//! What an agent intends, in a form that a person can approve and that cannot change under the approval.

use domain::Person;
use domain::policy::Tier;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A plan as an agent proposes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDraft {
    /// What will be different, in a sentence.
    pub summary: String,
    /// The steps, in order.
    #[serde(default)]
    pub steps: Vec<String>,
    /// The files that will change, relative to the repository's root; folders and patterns may stand for several.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The tests or checks that the agent means to run.
    #[serde(default)]
    pub checks: Vec<String>,
    /// The commands that it means to run beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// The hosts that it means to reach, beside those that every session may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// What else the work has to keep to, as a person wants it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// Paths that it must not touch, as a person wants it; folders and patterns may stand for several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep_out: Vec<String>,
    /// What it guesses that the work costs, in millionths of a dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
}

/// A plan as people see it: one version of a draft, with its risk and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Counted from 1 within a task.
    pub version: u32,
    /// The agent's words.
    pub draft: PlanDraft,
    /// The risk of what the draft says it will touch.
    pub tier: Tier,
    /// Why it is that tier: the path and the rule that decided.
    pub tier_because: String,
    /// SHA-256 in hex of the canonical JSON of version, draft and tier.
    pub hash: String,
    /// Who made it of the version before; absent where an agent proposed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edited>,
}

/// How a person made a version of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// Who.
    pub by: Person,
    /// The version that they changed.
    pub of: u32,
    /// In what it differs from that, `- old` and `+ new`, at most five lines.
    pub difference: Vec<String>,
}

/// How many lines tell the difference between two versions.
const DIFFERENCE_MAX: usize = 5;

impl PlanDraft {
    /// In what another draft differs from this one, `- old` and `+ new`, at most five lines.
    pub fn difference(&self, after: &Self) -> Vec<String> {
        let before = self.lines();
        let after = after.lines();
        let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
        let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
        let mut lines: Vec<_> = gone.chain(new).collect();
        if lines.is_empty() && before != after {
            lines.push("the same steps in another order".to_owned());
        }
        if let Some(more) = (lines.len() + 1).checked_sub(DIFFERENCE_MAX).filter(|_| lines.len() > DIFFERENCE_MAX) {
            lines.truncate(DIFFERENCE_MAX - 1);
            lines.push(format!("and {more} more lines"));
        }
        lines
    }

    fn lines(&self) -> Vec<String> {
        let constraints = self.constraints.iter().map(|text| format!("constraint: {text}"));
        let keep_out = self.keep_out.iter().map(|path| format!("keep out: {path}"));
        self.steps.iter().cloned().chain(constraints).chain(keep_out).collect()
    }
}

#[derive(Serialize)]
struct Hashed<'a> {
    version: u32,
    draft: &'a PlanDraft,
    tier: Tier,
}

impl Plan {
    /// Makes a version of `draft`, hashed over its canonical JSON (RFC 8785), so that an approval names exactly it.
    pub fn new(version: u32, draft: PlanDraft, tier: Tier, tier_because: String) -> Self {
        let canonical = serde_json_canonicalizer::to_vec(&Hashed { version, draft: &draft, tier })
            .expect("numbers and texts always have a canonical form");
        let hash = Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { version, draft, tier, tier_because, hash, edited: None }
    }

    /// The first digits of the hash, as people are shown.
    pub fn short_hash(&self) -> &str {
        &self.hash[..8]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(summary: &str) -> PlanDraft {
        PlanDraft { summary: summary.to_owned(), ..PlanDraft::default() }
    }

    #[test]
    fn a_difference_is_told_in_a_few_lines() {
        let steps = |texts: &[&str]| {
            let steps = texts.iter().map(|text| (*text).to_owned()).collect();
            PlanDraft { steps, ..PlanDraft::default() }
        };
        let differ = |before: &[&str], after: &[&str]| steps(before).difference(&steps(after)).join("; ");
        assert_eq!(differ(&["a", "b"], &["a", "c"]), "- b; + c");
        assert_eq!(differ(&["a", "b"], &["b", "a"]), "the same steps in another order");
        assert_eq!(differ(&["a", "b", "c"], &["d", "e"]), "- a; - b; - c; + d; + e");
        assert_eq!(differ(&["a", "b", "c"], &["d", "e", "f"]), "- a; - b; - c; + d; and 2 more lines");
    }

    #[test]
    fn the_hash_names_the_words_the_version_and_the_tier() {
        let plan = |version, summary, tier| Plan::new(version, draft(summary), tier, String::new()).hash;
        let hash = plan(1, "a", Tier::R1);
        assert_eq!(hash, plan(1, "a", Tier::R1));
        assert_ne!(hash, plan(2, "a", Tier::R1));
        assert_ne!(hash, plan(1, "b", Tier::R1));
        assert_ne!(hash, plan(1, "a", Tier::R2));
        let canonical = br#"{"draft":{"checks":[],"paths":[],"steps":[],"summary":"a"},"tier":"R1","version":1}"#;
        let expected: String = Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, expected, "the hash is not over the canonical form of RFC 8785");
    }
}
