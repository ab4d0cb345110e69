//! What we build on, against `deny.toml`: licences, bans and sources, in every run and without cargo-deny, whose
//! installation costs minutes. Cargo-deny reads the same file and runs as well where it is.

use std::collections::BTreeSet;

use anyhow::Context;
use serde::Deserialize;

use crate::counts::Counts;
use crate::install::has_cargo_command;
use crate::step::{Tally, verdict};
use crate::test::cargo;

/// The part of `deny.toml` that this program enforces.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// `Cargo.lock`: every package of every platform.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    source: Option<String>,
}

/// `cargo metadata`: the packages of this platform, which are the ones that are shipped.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    license: Option<String>,
}

/// Runs the three checks, and cargo-deny where it is.
pub fn check(tally: &mut Tally) {
    tally.step("dependencies", || {
        let deny: Deny = toml::from_str(&std::fs::read_to_string("deny.toml")?).context("failed to read deny.toml")?;
        let metadata = read_metadata()?;
        let lock: Lock =
            toml::from_str(&std::fs::read_to_string("Cargo.lock")?).context("failed to read Cargo.lock")?;
        let mut counts = Counts::default();
        for faults in [banned(&deny, &lock), strangers(&deny, &lock), unlicensed(&deny, &metadata)] {
            faults.iter().for_each(|fault| println!("{fault}"));
            counts += if faults.is_empty() { Counts::ONE_PASSED } else { Counts::ONE_FAILED };
        }
        Ok(counts)
    });
    if has_cargo_command("deny") {
        tally.step("cargo-deny", || verdict(&mut cargo(&["deny", "check", "bans", "licenses", "sources"])));
    } else {
        println!("cargo-deny is not installed; only its advisories are missed");
    }
}

fn read_metadata() -> anyhow::Result<Metadata> {
    let version = cargo(&["--version", "--verbose"]).output().context("failed to start cargo")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("cargo names no host")?;
    // Without the platform, cargo would fetch the packages of all others only to read their licences.
    let output = cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", host]).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    serde_json::from_slice(&output.stdout).context("failed to read what cargo metadata says")
}

fn banned(deny: &Deny, lock: &Lock) -> Vec<String> {
    let ban = |package: &Locked| deny.bans.deny.iter().find(|ban| ban.name == package.name);
    lock.package.iter().filter_map(ban).map(|ban| format!("{} is banned: {}", ban.name, ban.reason)).collect()
}

fn strangers(deny: &Deny, lock: &Lock) -> Vec<String> {
    let known =
        |source: &str| deny.sources.allow_registry.iter().any(|url| source.strip_prefix("registry+") == Some(url));
    let fault = |package: &Locked| match &package.source {
        Some(source) if !known(source) => {
            Some(format!("{} comes from {source}, not a registry we allow", package.name))
        }
        Some(_) | None => None,
    };
    lock.package.iter().filter_map(fault).collect()
}

fn unlicensed(deny: &Deny, metadata: &Metadata) -> Vec<String> {
    let fault = |package: &Package| match &package.license {
        Some(license) if is_allowed(license, &deny.licenses.allow) => None,
        Some(license) => Some(format!("{} is under {license}, which deny.toml does not allow", package.name)),
        None => Some(format!("{} names no licence", package.name)),
    };
    metadata.packages.iter().filter_map(fault).collect()
}

/// Whether the SPDX expression can be met with these licences: `AND` needs both sides, `OR` (or an old `/`) either.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any_of(&mut words, allowed) && words.next().is_none()
}

type Words<'w> = std::iter::Peekable<std::str::SplitWhitespace<'w>>;

fn any_of(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    match words.next() {
        Some("(") => any_of(words, allowed) & words.next_if_eq(&")").is_some(),
        Some(license) if words.next_if_eq(&"WITH").is_some() => {
            allowed.contains(&format!("{license} WITH {}", words.next().unwrap_or_default()))
        }
        Some(license) => allowed.contains(license),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_expression_is_met_as_spdx_means_it() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        for met in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/GPL-3.0",
            "ISC AND MIT",
            "ISC AND (GPL-3.0 OR MIT)",
            "GPL-3.0 OR ISC AND MIT",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(is_allowed(met, &allowed), "{met} was refused");
        }
        for unmet in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "Apache-2.0", "(MIT", "MIT ISC"] {
            assert!(!is_allowed(unmet, &allowed), "{unmet:?} was allowed");
        }
    }

    fn deny() -> Deny {
        toml::from_str(
            r#"
            licenses.allow = ["MIT"]
            bans.deny = [{ crate = "openssl-sys", reason = "rustls is the one TLS" }]
            sources.allow-registry = ["https://github.com/rust-lang/crates.io-index"]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn a_banned_package_and_a_strange_source_are_named() {
        let lock: Lock = toml::from_str(
            r#"
            [[package]]
            name = "downbeat"
            [[package]]
            name = "openssl-sys"
            source = "registry+https://github.com/rust-lang/crates.io-index"
            [[package]]
            name = "fork"
            source = "git+https://example.org/fork#1234"
            "#,
        )
        .unwrap();
        assert_eq!(banned(&deny(), &lock), ["openssl-sys is banned: rustls is the one TLS"]);
        assert_eq!(
            strangers(&deny(), &lock),
            ["fork comes from git+https://example.org/fork#1234, not a registry we allow"]
        );
    }

    #[test]
    fn a_package_without_an_allowed_licence_is_named() {
        let package =
            |name: &str, license: Option<&str>| Package { name: name.into(), license: license.map(Into::into) };
        let packages = vec![package("a", Some("MIT")), package("b", Some("GPL-3.0")), package("c", None)];
        assert_eq!(
            unlicensed(&deny(), &Metadata { packages }),
            ["b is under GPL-3.0, which deny.toml does not allow", "c names no licence"]
        );
    }
}
