//! How much a change can break, told from the paths it touches.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::glob::Globs;
use super::risk::{R2, R3, Risk};

/// A risk tier. The higher one of two tiers is the greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    /// Reads only.
    R0,
    /// Source, tests and documents.
    R1,
    /// Dependencies, CI, migrations, infrastructure and the code that lets people in.
    R2,
    /// Secrets, permissions, deploy keys, and the rules that Downbeat itself follows.
    R3,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Which paths are R2 and R3. The built-in patterns always hold; the config adds to them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tiers {
    /// Taken out of the built-in R2 patterns, for a folder that only sounds dangerous. R3 cannot be taken out.
    pub r1: Globs,
    /// R2 beside the built-in patterns.
    pub r2: Globs,
    /// R3 beside the built-in patterns.
    pub r3: Globs,
}

/// The tier of a set of paths and what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The highest tier of any path; R1 when there is no path, because work that writes is never less.
    pub tier: Tier,
    /// The first path of that tier and its pattern; nothing at R1, where no pattern matched.
    pub decided_by: Option<Decider>,
}

/// One path and what lifted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decider {
    /// The path as it was given.
    pub path: String,
    /// The pattern that it matches; empty when it leaves the repository.
    pub glob: String,
    /// What such paths are, in a word or two: `dependencies`.
    pub subject: String,
}

impl fmt::Display for Assessment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.decided_by {
            Some(Decider { path, subject, .. }) => write!(f, "{} (`{path}`: {subject})", self.tier),
            None => write!(f, "{}", self.tier),
        }
    }
}

impl Tiers {
    /// The tier of work that touches these paths, relative to the repository's root.
    pub fn tier_of<S: AsRef<str>>(&self, paths: &[S]) -> Assessment {
        let mut highest = Assessment { tier: Tier::R1, decided_by: None };
        for path in paths.iter().map(AsRef::as_ref) {
            let (tier, decided_by) = self.tier_of_path(path);
            if tier > highest.tier {
                highest = Assessment { tier, decided_by };
            }
        }
        highest
    }

    fn tier_of_path(&self, path: &str) -> (Tier, Option<Decider>) {
        let decider = |(glob, subject): (&str, &str)| {
            Some(Decider { path: path.to_owned(), glob: glob.to_owned(), subject: subject.to_owned() })
        };
        let Some(inside) = within_root(path) else { return (Tier::R3, decider(("", "outside the repository"))) };
        let configured =
            |globs: &Globs| globs.matching(&inside).and_then(|glob| decider((glob, "named in the config")));
        let known = |risks: &[Risk]| risks.iter().find_map(|risk| risk.matching(&inside)).and_then(decider);

        if let Some(decider) = configured(&self.r3).or_else(|| known(&R3)) {
            return (Tier::R3, Some(decider));
        }
        if let Some(decider) = configured(&self.r2) {
            return (Tier::R2, Some(decider));
        }
        match known(&R2).filter(|_| self.r1.matching(&inside).is_none()) {
            Some(decider) => (Tier::R2, Some(decider)),
            None => (Tier::R1, None),
        }
    }
}

/// The path without `.` and `..`, as an agent may write them in a plan; `None` when it leaves the repository.
fn within_root(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn each_path_shows_its_tier_and_its_reason() {
        let paths = [
            "src/login.rs",
            "docs/author.md",
            "Cargo.lock",
            "packages/ui/package.json",
            "requirements-dev.txt",
            ".github/workflows/ci.yml",
            "db/migrations/0007_users.sql",
            "db/migrations",
            "src/Auth/session.rs",
            "src/token_auth.py",
            "docker-compose.prod.yml",
            ".github/CODEOWNERS",
            ".downbeat",
            ".downbeat/config.toml",
            "./src/../.downbeat/recipes/tidy.toml",
            "config/.env.production",
            "keys/tls.pem",
            "../elsewhere/x",
            "/etc/passwd",
        ];
        let shown: String =
            paths.iter().map(|path| format!("{path}: {}\n", Tiers::default().tier_of(&[path]))).collect();
        expect![[r#"
            src/login.rs: R1
            docs/author.md: R1
            Cargo.lock: R2 (`Cargo.lock`: dependencies)
            packages/ui/package.json: R2 (`packages/ui/package.json`: dependencies)
            requirements-dev.txt: R2 (`requirements-dev.txt`: dependencies)
            .github/workflows/ci.yml: R2 (`.github/workflows/ci.yml`: runs on every change)
            db/migrations/0007_users.sql: R2 (`db/migrations/0007_users.sql`: migrations)
            db/migrations: R2 (`db/migrations`: migrations)
            src/Auth/session.rs: R2 (`src/Auth/session.rs`: lets people in)
            src/token_auth.py: R2 (`src/token_auth.py`: lets people in)
            docker-compose.prod.yml: R2 (`docker-compose.prod.yml`: infrastructure)
            .github/CODEOWNERS: R3 (`.github/CODEOWNERS`: permissions)
            .downbeat: R3 (`.downbeat`: Downbeat's own rules)
            .downbeat/config.toml: R3 (`.downbeat/config.toml`: Downbeat's own rules)
            ./src/../.downbeat/recipes/tidy.toml: R3 (`./src/../.downbeat/recipes/tidy.toml`: Downbeat's own rules)
            config/.env.production: R3 (`config/.env.production`: secrets)
            keys/tls.pem: R3 (`keys/tls.pem`: secrets)
            ../elsewhere/x: R3 (`../elsewhere/x`: outside the repository)
            /etc/passwd: R3 (`/etc/passwd`: outside the repository)
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn the_highest_path_decides_and_no_path_is_r1() {
        let tiers = Tiers::default();
        assert_eq!(tiers.tier_of::<&str>(&[]), Assessment { tier: Tier::R1, decided_by: None });
        let seen = tiers.tier_of(&["src/a.rs", "Cargo.toml", "secrets/key", ".env"]);
        assert_eq!(seen.to_string(), "R3 (`secrets/key`: secrets)");
        assert_eq!(seen.decided_by.map(|decider| decider.glob), Some("**/{secret,secrets,.secrets}/**".to_owned()));
    }

    #[test]
    fn the_config_adds_patterns_and_lowers_only_built_in_r2() {
        let tiers: Tiers = toml::from_str(
            r#"
            r1 = ["docs/deploy/**", ".downbeat/**", "billing/**"]
            r2 = ["billing/**"]
            r3 = ["ledger/**"]
            "#,
        )
        .unwrap();
        let tier = |path| tiers.tier_of(&[path]).tier;
        assert_eq!(tier("docs/deploy/steps.md"), Tier::R1);
        assert_eq!(tier("deploy/steps.md"), Tier::R2);
        assert_eq!(tier("billing/a.rs"), Tier::R2);
        assert_eq!(tier("ledger/a.rs"), Tier::R3);
        assert_eq!(tier(".downbeat/config.toml"), Tier::R3);
    }

    #[test]
    fn a_bad_pattern_is_refused_by_name() {
        let error = toml::from_str::<Tiers>(r#"r2 = ["src/**", "src/[a"]"#).unwrap_err();
        assert_eq!(error.message(), "`src/[a` is not a path pattern: unclosed character class; missing ']'");
        for bad in ["", "/etc/**", "../x", "./x"] {
            assert!(Globs::new(&[bad]).is_err(), "{bad:?} was taken for a pattern");
        }
    }
}
