//! One running program as its operator has it: words on its standard input, lines on its outputs, signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// No wait of these tests takes a tenth of this; who needs it all has lost something.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The real program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_downbeat-under-test");

/// What one output has said so far.
#[derive(Default)]
pub struct Lines {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    has_ended: bool,
}

impl Lines {
    fn listen(stream: impl Read + Send + 'static) -> (Arc<Self>, JoinHandle<()>) {
        let lines = Arc::new(Self::default());
        let heard = lines.clone();
        let listener = std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                heard.change(|said| said.lines.push(String::from_utf8_lossy(&line).into_owned()));
            }
            heard.change(|said| said.has_ended = true);
        });
        (lines, listener)
    }

    fn change(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().unwrap());
        self.changed.notify_all();
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.said.lock().unwrap().lines.join("\n")
    }

    /// Waits until there are more than `n` lines, or a moment has passed; says how many there are.
    pub fn wait_for_more(&self, n: usize) -> usize {
        const A_MOMENT: Duration = Duration::from_millis(50);
        let waits = |said: &mut Said| said.lines.len() <= n && !said.has_ended;
        let (said, _) = self.changed.wait_timeout_while(self.said.lock().unwrap(), A_MOMENT, waits).unwrap();
        said.lines.len()
    }

    /// Waits for a line that holds these words; none when the output ends without it.
    pub fn wait_for(&self, words: &str) -> Option<String> {
        self.wait_for_nth(words, 0)
    }

    /// The same for the line after `n` others with these words.
    pub fn wait_for_nth(&self, words: &str, n: usize) -> Option<String> {
        let find = |said: &Said| said.lines.iter().filter(|line| line.contains(words)).nth(n).cloned();
        let waits = |said: &mut Said| find(said).is_none() && !said.has_ended;
        let (said, _) = self.changed.wait_timeout_while(self.said.lock().unwrap(), PATIENCE, waits).unwrap();
        find(&said)
    }
}

/// A running program.
pub struct Instance {
    child: Child,
    stdin: Option<ChildStdin>,
    listeners: Vec<JoinHandle<()>>,
    pub out: Arc<Lines>,
    pub err: Arc<Lines>,
}

/// How a program ended and what it had said.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Instance {
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let (out, listens_to_out) = Lines::listen(child.stdout.take().expect("it was asked for"));
        let (err, listens_to_err) = Lines::listen(child.stderr.take().expect("it was asked for"));
        let stdin = child.stdin.take();
        Self { child, stdin, out, err, listeners: vec![listens_to_out, listens_to_err] }
    }

    /// The same instance, ready.
    pub fn ready(self) -> Self {
        let ready = self.out.wait_for("Ready.");
        assert!(ready.is_some(), "it never got ready:\n{}\n{}", self.out.text(), self.err.text());
        self
    }

    pub fn id(&self) -> i32 {
        i32::try_from(self.child.id()).expect("ids are small")
    }

    /// A line on its standard input. A program that is dying does not hear it.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        let _ = stdin.write_all(format!("{line}\n").as_bytes());
    }

    /// Where its page is.
    pub fn page(&self) -> SocketAddr {
        let ready = self.out.wait_for("http://").expect("it says where its page is");
        let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no address in {ready:?}"))
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id()), signal).expect("it is still our child");
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Kills it at once, and takes away what is left of it.
    pub fn kill(self) -> Ended {
        self.signal(Signal::SIGKILL);
        self.ended()
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Ended {
        let status = self.status();
        for listener in self.listeners.drain(..) {
            listener.join().expect("a listener only listens");
        }
        Ended { status, out: self.out.text(), err: self.err.text() }
    }

    fn status(&mut self) -> ExitStatus {
        let since = Instant::now();
        let mut n = 0;
        while since.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            n = self.out.wait_for_more(n);
        }
        panic!("it did not end within {PATIENCE:?}:\n{}\n{}", self.out.text(), self.err.text());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The program with nothing of ours in its environment but the `PATH`, and a home and temporary directory of its own.
pub fn program(home: &Path, temporary: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home).env("TMPDIR", temporary).current_dir(home);
    command
}
