//! The team, the sample repository and the script of the scenarios.

use tests::git::FileText;
use tests::world::{Origin, Setup, World};

/// Everyone whom the system knows; mallory is not among them.
pub const TEAM: &str = r#"
[people]
ana.roles = ["requester"]
dan.roles = ["requester"]
ben.roles = ["approver"]
ola.roles = ["operator"]
dora.roles = ["admin"]
eva.roles = ["viewer"]
"#;

/// A repository of a few pages, whose one check wants clean language.
pub const SAMPLE: &[FileText<'static>] = &[
    (".downbeat/config.toml", "[[checks]]\nname = \"words\"\ncommand = \"sh check.sh\"\n"),
    ("Cargo.toml", "[package]\nname = \"greeter\"\n\n[dependencies]\n"),
    ("README.md", "A greeter.\n"),
    ("check.sh", "grep -l -i -f forbidden.txt *.md && echo 'a forbidden word' && exit 1; true\n"),
    ("forbidden.txt", "damn\n"),
    ("greeting.md", "Hello!\n"),
];

/// The team with the sample, for scenarios that change something of it.
pub fn setup() -> Setup<'static> {
    Setup {
        launcher: env!("CARGO_BIN_EXE_downbeat-under-test"),
        config: TEAM,
        script: include_str!("script.toml"),
        repositories: vec![("sample", Origin::Bare(SAMPLE.to_vec()))],
    }
}

/// The team with the sample.
pub fn world() -> World {
    setup().open()
}

/// The team with two repositories, so that somebody has to say which.
pub fn two_repositories() -> Setup<'static> {
    let repositories = vec![("sample", Origin::Bare(SAMPLE.to_vec())), ("acme/greeter", Origin::Bare(SAMPLE.to_vec()))];
    Setup { repositories, ..setup() }
}

/// The sample with other checks, or with none.
pub fn sample_with_checks(text: Option<&str>) -> Origin<'_> {
    let others = SAMPLE[1..].iter().copied();
    Origin::Bare(text.map(|text| (SAMPLE[0].0, text)).into_iter().chain(others).collect())
}
