//! Apps made with Slack's own libraries, as processes that say what they hear.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tests::peers;
use tests::slack::SlackServer;

/// How long a test waits for what an app should say.
const PATIENCE: Duration = Duration::from_secs(30);

/// A library, and the app made with it.
#[derive(Clone, Copy)]
pub struct Library {
    program: &'static str,
    /// What has to be installed for it.
    needs: &'static str,
    script: &'static str,
}

/// Slack's library for Python.
pub const PYTHON: Library = Library { program: "venv/bin/python", needs: "venv/bin/python", script: "app.py" };
/// Slack's framework for Node.
pub const NODE: Library = Library { program: "node", needs: "node_modules/@slack/bolt", script: "app.js" };

/// An app that runs, until it is dropped.
pub struct App {
    child: Child,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Library {
    /// Whether it can be run here.
    pub fn is_installed(self) -> bool {
        peers::installed(&format!("slack/{}", self.needs)).is_some()
    }

    /// Starts the app, over sockets or on a port, and waits until it is ready.
    pub fn start(self, slack: &SlackServer, port: Option<u16>) -> App {
        let home = peers::installed("slack").expect("it is installed");
        let program = home.join(self.program);
        let program = if program.exists() { program } else { self.program.into() };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/slack").join(self.script);
        let mut command = Command::new(program);
        command.arg(script).env("NODE_PATH", home.join("node_modules"));
        command.env("SLACK_API_URL", slack.api_url()).env("SLACK_SIGNING_SECRET", slack.signing_secret());
        command.env("SLACK_BOT_TOKEN", slack.bot_token()).env("SLACK_APP_TOKEN", slack.app_token());
        command.envs(port.map(|port| ("PORT", port.to_string())));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let said = Arc::new((Mutex::default(), Condvar::new()));
        let app = App { child, said: Arc::clone(&said) };
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                said.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                said.1.notify_all();
            }
        });
        app.until("ready");
        app
    }
}

impl App {
    /// Waits until the app has said this; panics when it fails or takes too long.
    pub fn until(&self, line: &str) {
        let (said, bell) = &*self.said;
        let lines = said.lock().unwrap_or_else(PoisonError::into_inner);
        let misses = |lines: &mut Vec<String>| !lines.iter().any(|it| it == line || it.starts_with("failed"));
        let lines = bell.wait_timeout_while(lines, PATIENCE, misses).unwrap_or_else(PoisonError::into_inner).0;
        assert!(lines.iter().any(|it| it == line), "the app did not say {line:?}, but:\n{}", lines.join("\n"));
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
