//! The papers against the house: links that lead somewhere, invariants with a guard, no trace of anyone's machine.

use crate::Fault;
use crate::house::{File, House};

const PAPERS: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Written apart, so that this file does not speak of a machine itself.
const MACHINE_ROOTS: [&str; 2] = [concat!("/wo", "rk"), concat!("/ro", "ot")];

/// Where the papers and the files speak of what is not there.
pub fn faults(house: &House) -> Vec<Fault> {
    let missing = PAPERS.iter().filter(|paper| house.file(paper).is_none());
    let mut faults: Vec<Fault> =
        missing.map(|paper| Fault::new(paper, 1, "papers", "write it; newcomers begin here")).collect();
    for paper in house.files.iter().filter(|file| file.path.ends_with(".md")) {
        faults.extend(dead_links(house, paper));
    }
    if let Some(architecture) = house.file("ARCHITECTURE.md") {
        faults.extend(unnamed_crates(house, architecture));
        faults.extend(unguarded_invariants(house, architecture));
    }
    faults.extend(house.files.iter().flat_map(machine_paths));
    faults
}

fn dead_links(house: &House, paper: &File) -> Vec<Fault> {
    let folder = paper.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut faults = Vec::new();
    for (line, text) in paper.text.lines().enumerate() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
            let leads_out = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !leads_out && !house.has(&joined(folder, target)) {
                faults.push(Fault::new(&paper.path, line + 1, "links", format!("`{target}` is not there")));
            }
        }
    }
    faults
}

fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn unnamed_crates(house: &House, architecture: &File) -> Vec<Fault> {
    let manifests = house.files.iter().filter_map(|file| file.path.strip_suffix("/Cargo.toml"));
    let unnamed = manifests.filter(|folder| folder.starts_with("crates/") && !architecture.text.contains(*folder));
    unnamed.map(|folder| Fault::new(&architecture.path, 1, "crates", format!("say what `{folder}` is for"))).collect()
}

/// Each paragraph that begins with `**Invariant:**` names, after `Guard:`, a file that is there or a function that is
/// declared somewhere, in backticks.
fn unguarded_invariants(house: &House, architecture: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lines: Vec<&str> = architecture.text.lines().collect();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.contains("**Invariant:**")) {
        let is_next = |line: &&&str| !line.trim().is_empty() && !line.contains("**Invariant:**");
        let rest = lines[at + 1..].iter().take_while(is_next);
        let paragraph = std::iter::once(&lines[at]).chain(rest).copied().collect::<Vec<_>>().join(" ");
        let guards = paragraph.split_once("Guard:").map_or("", |(_, guards)| guards);
        let guards: Vec<&str> = guards.split('`').skip(1).step_by(2).collect();
        let mut fault = |advice: String| faults.push(Fault::new(&architecture.path, at + 1, "invariant", advice));
        if guards.is_empty() {
            fault("name its guard: Guard: `path/to/file` or `name_of_the_test`".to_owned());
        }
        for guard in guards.iter().filter(|guard| !exists(house, guard)) {
            fault(format!("its guard `{guard}` is not there"));
        }
    }
    faults
}

fn exists(house: &House, guard: &str) -> bool {
    let name = guard.rsplit("::").next().unwrap_or_default();
    let declares = |file: &File| {
        ["fn", "struct", "enum", "trait", "const"].iter().any(|kind| {
            file.text.match_indices(&format!("{kind} {name}")).any(|(at, found)| {
                !file.text[at + found.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
            })
        })
    };
    house.has(guard) || !name.contains(['/', '.', ' ']) && house.rust_files().any(declares)
}

fn machine_paths(file: &File) -> Vec<Fault> {
    let speaks_of_machine = |line: &str| {
        MACHINE_ROOTS.iter().any(|root| {
            line.match_indices(root).any(|(at, _)| {
                let ends = |next: char| !next.is_alphanumeric() && !matches!(next, '-' | '_' | '.');
                let starts = |before: char| !before.is_alphanumeric() && !matches!(before, '-' | '_' | '.' | '/' | '}');
                line[..at].chars().next_back().is_none_or(starts)
                    && line[at + root.len()..].chars().next().is_none_or(ends)
            })
        })
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| speaks_of_machine(line));
    lines.map(|(at, _)| Fault::new(&file.path, at + 1, "machine", "take out the path of somebody's machine")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(files: &[(&str, &str)]) -> House {
        House::of(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    fn rules_broken_by(files: &[(&str, &str)]) -> Vec<&'static str> {
        let papers = PAPERS.map(|paper| (paper, ""));
        let given = |paper: &str| files.iter().any(|(path, _)| *path == paper);
        let all: Vec<_> = papers.into_iter().filter(|(paper, _)| !given(paper)).chain(files.iter().copied()).collect();
        faults(&house(&all)).into_iter().map(|fault| fault.rule).collect()
    }

    #[test]
    fn a_paper_that_is_missing_is_caught() {
        assert_eq!(faults(&house(&[])).len(), PAPERS.len());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_caught() {
        assert_eq!(rules_broken_by(&[("README.md", "See [it](docs/none.md).")]), ["links"]);
        assert_eq!(rules_broken_by(&[("docs/a.md", "[up](../NONE.md)")]), ["links"]);
        let good = "[a](docs/a.md#part) [b](https://example.org/x) [c](#below) [d](docs/)";
        assert_eq!(rules_broken_by(&[("README.md", good), ("docs/a.md", "[up](../README.md)")]), [""; 0]);
    }

    #[test]
    fn a_crate_without_a_word_is_caught() {
        assert_eq!(rules_broken_by(&[("crates/store/Cargo.toml", "")]), ["crates"]);
        let named = ("ARCHITECTURE.md", "| `crates/store` | the one door |");
        assert_eq!(rules_broken_by(&[("crates/store/Cargo.toml", ""), named]), [""; 0]);
    }

    #[test]
    fn an_invariant_without_its_guard_is_caught() {
        let test = ("crates/a/src/lib.rs", "fn late_events_change_nothing() {}");
        for bad in [
            "**Invariant:** all is well.",
            "**Invariant:** all is well. Guard: hope.",
            "**Invariant:** all is well.\nGuard: `crates/a/src/none.rs`.",
            "**Invariant:** all is well. Guard: `late_events`.",
            "**Invariant:** one.\n\nGuard: `late_events_change_nothing`.",
        ] {
            assert_eq!(rules_broken_by(&[test, ("ARCHITECTURE.md", bad)]), ["invariant"], "{bad}");
        }
        let good = "**Invariant:** all is\nwell. Guard: `crates/a/src/lib.rs`, `laws::late_events_change_nothing`.\n";
        assert_eq!(rules_broken_by(&[test, ("ARCHITECTURE.md", good)]), [""; 0]);
    }

    #[test]
    fn a_path_of_somebodys_machine_is_caught() {
        for root in MACHINE_ROOTS {
            assert_eq!(rules_broken_by(&[("x.toml", &format!("dir = \"{root}/main\""))]), ["machine"]);
            assert_eq!(rules_broken_by(&[("x.sh", &format!("cd {root}"))]), ["machine"]);
            assert_eq!(rules_broken_by(&[("x.sh", &format!("cd $HOME{root}/x tmp{root} {root}ers"))]), [""; 0]);
        }
    }
}
