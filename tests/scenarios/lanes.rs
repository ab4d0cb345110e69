//! A repository of two parts, as people see it: changes of the one do not wait for those of the other.

use expect_test::expect;
use tests::world::{Setup, World};

use crate::sample::{sample_with_checks, setup};

/// Greetings are one part and the other pages another, and each has a check of its own. The queue waits for a word.
const LANES: &str = r#"
[lanes]
greetings = ["greeting.md", "whisper.md"]
pages = ["welcome.md", "thanks.md", "farewell.md", "README.md"]
all = ["check.sh", "forbidden.txt"]

[[checks]]
name = "greetings"
command = "sh check.sh"
lanes = ["greetings"]

[[checks]]
name = "pages"
command = "sh check.sh"
lanes = ["pages"]
"#;

fn world() -> World {
    Setup { repositories: vec![("sample", sample_with_checks(Some(LANES)))], ..setup() }.open()
}

/// [19]
#[test]
fn who_is_in_another_lane_is_told_so_and_lands_without_another_run() {
    let mut world = world();
    world.play(
        "ana: @agent shout the greeting plan=off
         ana: @agent add a welcome plan=off
         ola: pause
         ana: merge T-1
         ana: merge T-2
         ola: hold T-2 because the words are not final",
    );
    world.transcript();
    world.check(
        "ana: queue
         ola: resume
         ola: release T-2",
        expect![[r#"
            ana:  queue
            bot:  sample:main: 2 in line, paused by ola
                  strategy chain: too few verdicts to judge by yet
                  T-1 shout the greeting · position 1 of 2 · waiting · in greetings
                  T-2 add a welcome · position 2 of 2 · waiting · in pages · is held by ola: the words are not final
            ola:  resume
            bot:  The merge queue of sample is going on.
                  [T-1] in the merge queue by ana · position 1 of 2 · testing
                  [T-1] in the merge queue by ana · position 1 of 2 · landing
                  [T-1] merged as <commit 1>, already tested
            bot:  T-1 is merged into main as <commit 1>, already tested.
                  [T-2] in the merge queue by ana · position 1 of 1 · waiting · held by ola: the words are not final; `release T-2` lets it go on
            ola:  release T-2
            bot:  T-2 goes on in the merge queue of sample.
                  [T-2] in the merge queue by ana · position 1 of 1 · testing
                  [T-2] in the merge queue by ana · position 1 of 1 · landing
                  [T-2] merged as <commit 2>, already tested
            bot:  T-2 is merged into main as <commit 2>, already tested.
        "#]],
    );
    world.play("ana: log T-2");
    let said = world.transcript();
    assert!(
        said.contains("in the work of T-1 and") && said.contains("in the work of T-2, not tested again\n"),
        "{said}"
    );
    assert_eq!(said.matches("check pages passed").count(), 1, "{said}");
}
