//! One step of a test run: a heading, a program, a verdict with the time it took.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;

use crate::counts::Counts;

/// What a whole run has come to so far.
#[derive(Default)]
pub struct Tally {
    pub counts: Counts,
    failed: Vec<String>,
    skipped: Vec<String>,
}

impl Tally {
    /// Runs one step under a heading. An error counts as one failure; the other steps still run.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<Counts>) {
        println!("\n=== {name}");
        let started = Instant::now();
        let counts = work().unwrap_or_else(|error| {
            println!("failed to run this step: {error:#}");
            Counts::ONE_FAILED
        });
        println!("--- {name}: {counts} in {:.1} s", started.elapsed().as_secs_f64());
        if counts.failed > 0 {
            self.failed.push(name.to_owned());
        }
        if counts.skipped > 0 {
            self.skipped.push(format!("{name} ({} skipped)", counts.skipped));
        }
        self.counts += counts;
    }

    /// Records a part that cannot run here, and what would make it run.
    pub fn skip(&mut self, name: &str, remedy: &str) {
        println!("\n=== {name}: skipped. {remedy}");
        self.skipped.push(format!("{name}: {remedy}"));
        self.counts += Counts::ONE_SKIPPED;
    }

    /// Prints what did not pass, by name, and the one line of counts.
    pub fn print_closing(&self) {
        println!();
        for name in &self.skipped {
            println!("skipped: {name}");
        }
        for name in &self.failed {
            println!("failed: {name}");
        }
        println!("{}", self.counts);
    }
}

/// Runs the program with its output shown; it counts as one test.
pub fn verdict(command: &mut Command) -> anyhow::Result<Counts> {
    let status = command.status().with_context(|| format!("failed to start {}", named(command)))?;
    Ok(if status.success() { Counts::ONE_PASSED } else { Counts::ONE_FAILED })
}

/// Runs the program, shows its output as it comes, and reads the counts from it.
pub fn counted(command: &mut Command) -> anyhow::Result<Counts> {
    let name = named(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {name}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = std::thread::scope(|scope| {
        let readers = [
            stdout.map(|pipe| scope.spawn(|| shown_lines(pipe))),
            stderr.map(|pipe| scope.spawn(|| shown_lines(pipe))),
        ];
        readers.into_iter().flatten().map(|reader| reader.join().unwrap_or_default()).collect::<String>()
    });
    let status = child.wait().with_context(|| format!("failed to wait for {name}"))?;
    match Counts::from_output(&output) {
        Some(counts) if status.success() || counts.failed > 0 => Ok(counts),
        Some(counts) => anyhow::bail!("{name} says {counts} and ends with {status}"),
        None => anyhow::bail!("{name} printed no summary and ended with {status}"),
    }
}

fn shown_lines(pipe: impl std::io::Read) -> String {
    let mut text = String::new();
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        println!("{line}");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn named(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}
