//! The rules of CONTRIBUTING.md that a program can check, on every file that git tracks or would track.
//!
//! A rule is a function from a file to its faults, and each has a test that feeds it a bad example. A fault reads
//! `file:line: rule: what to do`. Where a rule has exceptions, each stands beside it with its reason, and one that is
//! no longer needed is a fault itself.

mod house;
mod manifests;
mod papers;
mod scenarios;
mod shape;
mod tokens;
mod words;

use std::fmt;

use house::House;

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    path: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

impl Fault {
    fn new(path: &str, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, advice: advice.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

fn assert_tidy(mut faults: Vec<Fault>) {
    faults.sort();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} faults:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn every_file_has_its_shape_and_its_names() {
    let house = House::read();
    let own_enums = shape::own_enums(&house);
    assert_tidy(house.rust_files().flat_map(|file| shape::faults(file, &own_enums)).collect());
}

#[test]
fn every_deed_is_done_where_it_belongs() {
    assert_tidy(words::faults(&House::read()));
}

#[test]
fn every_crate_points_down() {
    assert_tidy(manifests::faults(&House::read()));
}

#[test]
fn the_papers_speak_of_what_is_there() {
    assert_tidy(papers::faults(&House::read()));
}

#[test]
fn every_scenario_of_the_merge_queue_has_a_test() {
    assert_tidy(scenarios::faults(&House::read()));
}
