//! A person's seat: a real terminal with the program in it, a keyboard, and eyes.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::watched::Watched;

const ECHO_AND_LINES: u32 = 0o10 | 0o2;

pub struct Seat {
    screen: Watched<Seen>,
    keyboard: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
}

struct Seen {
    terminal: vt100::Parser,
    bytes: Vec<u8>,
    is_over: bool,
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

impl Seat {
    /// Sits down in front of a terminal of 12 rows and 70 columns.
    pub fn take(state: &Path) -> Self {
        Self::take_with(state, &[])
    }

    /// Sits down with more in the environment.
    pub fn take_with(state: &Path, env: &[(&str, &str)]) -> Self {
        Self::start(crate::chat_of_ana(state), state, env)
    }

    /// Sits down in front of a program that breaks when it is told to.
    pub fn take_breakable(state: &Path) -> Self {
        let program = std::env::current_exe().unwrap().into_os_string();
        Self::start(vec![program, crate::BREAKABLE.into(), state.into()], state, &[])
    }

    fn start(program: Vec<OsString>, home: &Path, env: &[(&str, &str)]) -> Self {
        let pty = native_pty_system().openpty(size(12, 70)).unwrap();
        let mut command = CommandBuilder::from_argv(program);
        command.env_clear();
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        // As xterm, ours cuts off what no longer fits.
        command.env("XTERM_VERSION", "XTerm(390)");
        env.iter().for_each(|(name, value)| command.env(name, value));
        let child = pty.slave.spawn_command(command).unwrap();
        let mut output = pty.master.try_clone_reader().unwrap();
        let terminal = vt100::Parser::new(cells(12), cells(70), 500);
        let screen = Watched::new(Seen { terminal, bytes: Vec::new(), is_over: false });
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = output.read(&mut bytes) {
                seen.change(|seen| {
                    seen.terminal.process(&bytes[..n]);
                    seen.bytes.extend_from_slice(&bytes[..n]);
                });
            }
            seen.change(|seen| seen.is_over = true);
        });
        let keyboard = pty.master.take_writer().unwrap();
        Self { screen, keyboard, master: pty.master, child }
    }

    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub fn resizes(&self, rows: u16, columns: u16) {
        self.screen.change(|seen| seen.terminal.set_size(cells(rows), cells(columns)));
        self.master.resize(size(rows, columns)).unwrap();
    }

    /// Waits until the last rows of the screen are these; `|` stands for the cursor.
    pub fn sees(&self, expected: &str) {
        let expected: Vec<&str> = expected.lines().collect();
        let mut last = Vec::new();
        let is_seen = self.screen.wait(|seen| {
            last = rows(&seen.terminal);
            last.len() >= expected.len() && last[last.len() - expected.len()..] == expected[..]
        });
        assert!(is_seen, "expected:\n{}\n\nseen:\n{}", expected.join("\n"), last.join("\n"));
    }

    /// How often words are on the screen and above it.
    pub fn counts(&self, words: &str) -> usize {
        self.screen.change(|seen| {
            let screen = seen.terminal.screen_mut();
            screen.set_scrollback(usize::MAX);
            let n_above = screen.scrollback();
            let above: Vec<String> = (0..n_above)
                .rev()
                .map(|n| {
                    screen.set_scrollback(n + 1);
                    screen.rows(0, 200).next().unwrap_or_default()
                })
                .collect();
            screen.set_scrollback(0);
            let all = format!("{}\n{}", above.join("\n"), screen.contents());
            all.matches(words).count()
        })
    }

    pub fn signals(&self, signal: Signal) {
        let id = self.child.process_id().unwrap();
        kill(Pid::from_raw(i32::try_from(id).unwrap()), signal).unwrap();
    }

    /// Waits for the program's end; gives back its exit code and all that it wrote.
    pub fn ends(mut self) -> (u32, String) {
        let code = self.child.wait().unwrap().exit_code();
        let is_usual = self
            .master
            .get_termios()
            .is_some_and(|terminal| terminal.local_flags.bits() & ECHO_AND_LINES == ECHO_AND_LINES);
        assert!(is_usual, "the terminal was not given back");
        let is_shown = self.screen.wait(|seen| {
            let screen = seen.terminal.screen();
            !screen.hide_cursor() && !screen.bracketed_paste()
        });
        assert!(is_shown, "the cursor or the paste mode was not given back");
        drop((self.master, self.keyboard));
        self.screen.wait(|seen| seen.is_over);
        (code, self.screen.change(|seen| String::from_utf8_lossy(&seen.bytes).into_owned()))
    }
}

/// The rows down to the last one that is written on or has the cursor.
fn rows(terminal: &vt100::Parser) -> Vec<String> {
    let screen = terminal.screen();
    let (row, column) = screen.cursor_position();
    let mut rows: Vec<String> = screen.rows(0, 200).map(|row| row.trim_end().to_owned()).collect();
    let before: String = screen.rows(0, column).nth(row.into()).unwrap_or_default();
    let after: String = screen.rows(column, 200).nth(row.into()).unwrap_or_default();
    let gap = usize::from(column).saturating_sub(unicode_width::UnicodeWidthStr::width(before.as_str()));
    rows[usize::from(row)] = format!("{before}{}|{}", " ".repeat(gap), after.trim_end());
    rows.iter_mut().for_each(|row| *row = still(row));
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

/// A row without what time alone changes: the spinner, and the seconds until the next try.
fn still(row: &str) -> String {
    let spinning = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
    let row = row.replace(spinning, "SPIN");
    match row.split_once("tries again in ") {
        Some((before, _)) => format!("{before}tries again in N s"),
        None => row.replace("trying again", "tries again in N s"),
    }
}
