//! The arrows between the crates, as their manifests draw them: always down.

use crate::Fault;
use crate::house::House;

/// A crate with what it may import of this house and what it may not of the world.
struct Room {
    folder: &'static str,
    below: &'static [&'static str],
    never: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room {
        folder: "crates/domain",
        below: &[],
        never: &["async-trait", "chrono", "futures", "git2", "octocrab", "sqlx", "tokio", "tracing", "uuid"],
    },
    Room { folder: "crates/store", below: &["domain"], never: &["git2", "octocrab", "serenity", "slack-morphism"] },
    Room { folder: "crates/forge", below: &["domain"], never: &["sqlx", "serenity", "slack-morphism"] },
    Room {
        folder: "crates/agents",
        below: &["domain", "store", "forge"],
        never: &["git2", "octocrab", "serenity", "slack-morphism", "sqlx"],
    },
    Room {
        folder: "crates/mergeq",
        below: &["domain", "store", "forge"],
        never: &["git2", "octocrab", "serenity", "slack-morphism", "sqlx"],
    },
    Room {
        folder: "crates/web",
        below: &["domain", "store", "forge", "agents", "mergeq"],
        never: &["git2", "serenity", "slack-morphism", "sqlx"],
    },
    Room { folder: "crates/bot", below: &["domain", "store", "forge", "agents", "mergeq", "web"], never: &["sqlx"] },
    Room { folder: "tests", below: &["domain", "store", "forge", "agents", "mergeq", "web", "downbeat"], never: &[] },
    Room { folder: "xtask", below: &[], never: &["tokio"] },
];

/// Which dependencies go the wrong way, and which crates nobody has placed.
pub fn faults(house: &House) -> Vec<Fault> {
    let manifests = house.files.iter().filter_map(|file| Some((file.path.strip_suffix("/Cargo.toml")?, file)));
    manifests.flat_map(|(folder, file)| faults_in(folder, &file.text)).collect()
}

fn faults_in(folder: &str, text: &str) -> Vec<Fault> {
    let path = format!("{folder}/Cargo.toml");
    let Some(room) = ROOMS.iter().find(|room| room.folder == folder) else {
        let advice = "say in tests/tidy/manifests.rs what it may import, and in ARCHITECTURE.md what it is for";
        return vec![Fault::new(&path, 1, "arrows", advice)];
    };
    let manifest: toml::Table = text.parse().expect("cargo has read this manifest before");
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter();
    let dependencies = sections.filter_map(|section| manifest.get(section)?.as_table()).flat_map(toml::Table::keys);
    let line_of = |name: &str| 1 + text.lines().position(|line| line.starts_with(name)).unwrap_or(0);
    let fault = |name: &String| {
        let is_ours = name == "downbeat" || ROOMS.iter().any(|room| room.folder.rsplit('/').next() == Some(name));
        let forbidden = room.never.contains(&name.as_str()) || is_ours && !room.below.contains(&name.as_str());
        let advice = format!("{folder} may not know `{name}`; define a small trait here and implement it above");
        forbidden.then(|| Fault::new(&path, line_of(name), "arrows", advice))
    };
    dependencies.filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_caught() {
        for (folder, name) in [
            ("crates/domain", "store"),
            ("crates/domain", "tokio"),
            ("crates/agents", "mergeq"),
            ("crates/mergeq", "agents"),
            ("crates/store", "downbeat"),
            ("crates/forge", "sqlx"),
        ] {
            for section in ["dependencies", "dev-dependencies"] {
                let text = format!("[package]\nname = \"x\"\n[{section}]\n{name} = {{ workspace = true }}\n");
                let lines: Vec<usize> = faults_in(folder, &text).iter().map(|fault| fault.line).collect();
                assert_eq!(lines, [4], "{folder} -> {name}");
            }
        }
        let good = "[dependencies]\ndomain = { workspace = true }\nserde = { workspace = true }\n";
        assert_eq!(faults_in("crates/agents", good), []);
    }

    #[test]
    fn a_crate_that_nobody_placed_is_caught() {
        assert_eq!(faults_in("crates/common", "").len(), 1);
    }
}
