//! The situations in which merge queues went wrong, here or elsewhere, by number. A test of one says so in its doc comment:
//! `/// [7]` or `/// [3, 27] …`. None may lose its last test.

use std::collections::BTreeMap;

use crate::Fault;
use crate::house::{File, House};

/// What each number means; the first is 1.
const SCENARIOS: [&str; 46] = [
    "a commit comes after the approval and before the run",
    "the branch is replaced between the approval and its reading",
    "an approval is taken back in the middle of a train",
    "two orders in a message, an edited one, a slip, an order that is quoted",
    "who may approve one change only, and only until that is taken back",
    "what may not land by the state of its change: no checks, red before it came, too large",
    "a priority is raised late, and something urgent comes while others run",
    "one overtakes others that are under test, which begin again once",
    "the target is closed to all but the urgent",
    "newer changes keep coming while an old one waits",
    "three run side by side, and the last is green first",
    "the head of a train fails",
    "one in the middle of a train fails",
    "two fail at the head at once",
    "the innocent fails first, for what is before it",
    "what another depends on is ejected, or repaired",
    "changes of two repositories that depend on each other land together or not at all",
    "the window of a train grows, shrinks and is set anew while cars run",
    "changes that do not touch wait for each other",
    "another commit of a change whose run is under way",
    "the first red check ends the others of its run",
    "one of many is bad",
    "two are good alone and bad together",
    "a change that is to run alone",
    "a textual conflict within a run",
    "a whole run is red by accident",
    "members leave during the run: one, some, all",
    "nothing is left to land: empty, landed by hand, there already",
    "the target moves between green and the landing",
    "a landing is refused for good, or fails for now",
    "nobody knows whether a landing happened",
    "the beginning of a stack is on the target already",
    "what git can hold: odd histories, submodules, modes, renames, line ends, merge drivers",
    "a squash of an old branch and the work that landed meanwhile",
    "what is told is lost, doubled, out of order, of another commit, of an earlier attempt",
    "a check that was cancelled, or never began, is not red",
    "two workers at one queue, of whom one has lost its lease",
    "the process dies between any two steps",
    "one change that stands for several",
    "a stack of more than ten, a closed queue, rules that change or vanish while runs are active",
    "the tree of a task that nobody has any more",
    "a tree that a session left in disorder",
    "a branch is deleted while its change is in line",
    "repairs that lead nowhere",
    "what has results already goes first",
    "a bad group is tested with others again and again",
];

/// What we do not have, so that nothing can be tested; one that is tested is taken off this list.
const WITHOUT_TEST: [(usize, &str); 3] = [
    (5, "nobody can hand on what they may do; who may what is in the config"),
    (17, "a queue knows its own repository only; within one, nobody waits in a circle"),
    (39, "nothing stands for several changes; they share a run instead"),
];

/// The numbers without a test, and marks that mean nothing.
pub fn faults(house: &House) -> Vec<Fault> {
    judge(house, &SCENARIOS, &WITHOUT_TEST)
}

fn judge(house: &House, scenarios: &[&str], without_test: &[(usize, &str)]) -> Vec<Fault> {
    const HERE: &str = "tests/tidy/scenarios.rs";
    let fault = |path: &str, line: usize, advice: String| Fault::new(path, line, "scenarios", advice);
    let marks: Vec<_> =
        house.rust_files().flat_map(|file| marks_in(file).into_iter().map(move |m| (file, m))).collect();
    let is_known = |number: usize| (1..=scenarios.len()).contains(&number);
    let unknown = marks.iter().filter(|(_, (_, number))| !is_known(*number));
    let unknown = unknown.map(|(file, (line, n))| fault(&file.path, *line, format!("there is no scenario {n}")));
    let tested: BTreeMap<usize, &str> = marks.iter().map(|(file, (_, number))| (*number, file.path.as_str())).collect();
    let amiss = scenarios.iter().zip(1..).filter_map(|(what, number)| {
        let is_listed = without_test.iter().any(|(listed, _)| *listed == number);
        match tested.get(&number) {
            None if !is_listed => Some(format!("mark a test with `/// [{number}]`: {what}")),
            Some(path) if is_listed => Some(format!("take {number} off the list, {path} tests it")),
            None | Some(_) => None,
        }
    });
    unknown.chain(amiss.map(|advice| fault(HERE, 1, advice))).collect()
}

/// The numbers on tests of one file, with their lines. Only tests are looked at: elsewhere brackets mean something else.
fn marks_in(file: &File) -> Vec<(usize, usize)> {
    let mut marks = Vec::new();
    let lines: Vec<&str> = file.text.lines().map(str::trim_start).collect();
    for (at, numbers) in lines.iter().enumerate().filter_map(|(at, line)| Some((at, numbers_of(line)?))) {
        let is_above = |line: &&&str| line.starts_with("///") || line.starts_with("#[");
        let below = lines[at + 1..].iter().find(|line| !is_above(line));
        if file.is_test_line(at + 1) && below.is_some_and(|line| line.contains("fn ")) {
            marks.extend(numbers.into_iter().map(|number| (at + 1, number)));
        }
    }
    marks
}

fn numbers_of(line: &str) -> Option<Vec<usize>> {
    let (numbers, _) = line.strip_prefix("/// [")?.split_once(']')?;
    numbers.split(", ").map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(text: &str, without_test: &[(usize, &str)]) -> Vec<String> {
        let house = House::of(vec![("crates/a/tests/b/main.rs".to_owned(), text.to_owned())]);
        let faults = judge(&house, &["one thing", "another"], without_test);
        faults.into_iter().map(|fault| format!("{}:{} {}", fault.path, fault.line, fault.advice)).collect()
    }

    #[test]
    fn a_scenario_that_lost_its_test_is_caught() {
        assert_eq!(advice("/// [1, 2] Both.\n#[test]\nfn is_so() {}", &[]), [""; 0]);
        assert_eq!(advice("/// Both.\n/// [1]\n/// So.\n#[tokio::test]\nasync fn is_so() {}", &[(2, "why")]), [""; 0]);
        let lost = ["tests/tidy/scenarios.rs:1 mark a test with `/// [2]`: another"];
        for bad in ["", "\n/// [2]\nstruct It;", "\n/// [Two] [2]\nfn two() {}", "\n// [2]\nfn two() {}"] {
            assert_eq!(advice(&format!("/// [1]\n#[test]\nfn is_so() {{}}{bad}"), &[]), lost, "{bad}");
        }
    }

    #[test]
    fn a_mark_that_means_nothing_and_an_excuse_that_is_over_are_caught() {
        let is_so = "/// [1, 2]\nfn is_so() {}";
        let over = "tests/tidy/scenarios.rs:1 take 2 off the list, crates/a/tests/b/main.rs tests it";
        assert_eq!(advice(is_so, &[(2, "why")]), [over]);
        assert_eq!(
            advice(&format!("{is_so}\n/// [3]\nfn is_too() {{}}"), &[]),
            ["crates/a/tests/b/main.rs:3 there is no scenario 3"]
        );
    }
}
