//! A Slack, and an instance that works in it.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use tests::slack::{Settings, SlackServer, judged};

use crate::instance::Instance;
use crate::time::WallClock;
use crate::world::World;

/// Where somebody works: the world with its repository, Slack, and the program.
pub struct Office {
    pub world: World,
    pub slack: SlackServer,
    /// Where the program takes signed requests, when it does.
    pub url: String,
    /// What the program takes for the time, where clocks can be set.
    pub clock: WallClock,
}

/// How events come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Socket,
    Http,
}

impl Office {
    pub fn new(settings: Settings, transport: Transport) -> Self {
        let slack = SlackServer::start(settings);
        let world = World::new();
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = std::fs::read_to_string(world.path("downbeat.toml")).unwrap();
        let member = |config: String, name: &str| {
            let table = format!("[people.{name}]\n");
            config.replace(&table, &format!("{table}slack = \"U0{}\"\n", name.to_uppercase()))
        };
        let config = member(member(config, "ana"), "ben");
        let how = if transport == Transport::Http { "http" } else { "socket" };
        let slack_config = format!(
            "\n[slack]\nbot_token = \"{}\"\napp_token = \"{}\"\nsigning_secret = \"{}\"\ntransport = \"{how}\"\n\
             listen = \"{listen}\"\ncatch_up_min = 1\napi_url = \"{}\"\n",
            slack.bot_token(),
            slack.app_token(),
            slack.signing_secret(),
            slack.api_url()
        );
        world.write("downbeat.toml", &format!("{config}{slack_config}"));
        let clock = WallClock::at(world.path("clock"));
        Self { world, slack, url: format!("http://{listen}/slack/events"), clock }
    }

    /// Over sockets, with nothing unusual.
    pub fn usual() -> Self {
        Self::new(Settings::default(), Transport::Socket)
    }

    /// Adds something to the end of the config, in which `{place}` stands for the world's place.
    pub fn configure(&self, more: &str) {
        let config = std::fs::read_to_string(self.world.path("downbeat.toml")).unwrap();
        self.world.write("downbeat.toml", &format!("{config}{more}"));
    }

    /// The program by this place's clock, ready, with its sockets open.
    pub fn up_by_the_clock(&self) -> Instance {
        let instance = Instance::start(self.clock.worn_by(self.world.command())).ready();
        self.slack.until_connected(2);
        instance
    }

    /// The program, ready, with its sockets open.
    pub fn up(&self) -> Instance {
        let instance = self.world.up();
        self.slack.until_connected(2);
        instance
    }

    /// What the target branch holds of a file.
    pub fn landed(&self, file: &str) -> Option<String> {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(self.world.remote.path()).args(["show", &format!("main:{file}")]);
        let shown = command.output().unwrap();
        shown.status.success().then(|| String::from_utf8_lossy(&shown.stdout).into_owned())
    }
}

impl Drop for Office {
    /// Whatever was sent here, Slack's own library would have taken; where it is not installed, nobody can tell.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let faults = judged(&self.slack.sent_for_people()).unwrap_or_default();
            assert_eq!(faults, "", "Slack's own library does not take what was sent");
        }
    }
}

/// The keys of the program's messages in a thread: each is posted once, whatever happens.
pub fn keys(slack: &SlackServer, mention: &str) -> Vec<String> {
    let found = slack.wait_for(Duration::ZERO, |state| {
        let all = state.teams.iter().flat_map(|team| &team.channels).flat_map(|channel| &channel.messages);
        let ours = all.filter(|it| it.thread_ts.as_deref() == Some(mention)).filter_map(|it| it.metadata.as_ref());
        Some(ours.map(|it| it["event_payload"]["key"].as_str().unwrap_or_default().to_owned()).collect())
    });
    found.unwrap_or_default()
}

/// How many messages of a thread are the program's.
pub fn answers(thread: &str) -> usize {
    thread.lines().filter(|line| line.starts_with("agent: ")).count()
}
