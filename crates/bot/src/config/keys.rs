//! Every key of the config, once. Reading, `config explain`, `config schema`, `config show`, the reload and the test of
//! the example all follow this list.

use domain::policy::Channels;
use domain::{BranchName, Person, RepoName};

use super::context::CONTEXT;
use super::egress::{EGRESS, HOSTS, PROVIDER, REPO_EGRESS, provider_name};
use super::github::{GITHUB, REPO_GITHUB};
use super::hours::{CLOSED, REPO_CLOSED};
use super::key::Absent::{Default, Needed, NeededBy, Otherwise};
use super::key::Applied::{self, AtReload, AtStart};
use super::key::{AN_EMPTY_TABLE, Form, Key, Step};
use super::landing::{MESSAGE, REPO_MESSAGE, REPO_STYLE, STYLE};
use super::policy::{CHANNEL, GROUP, PERSON, POLICY};
use super::repairs::{REPAIR_MAX_MIN, REPAIRS_MAX};
use super::slack::SLACK;
use super::verdicts::{ENVIRONMENT, REVERIFY_EVERY, VERDICT_MAX_AGE_H};
use super::waits::WAITS;
use super::wellformed::{absolute, agent_name, any, database, loopback, mention, not_empty, parses, remote};

/// The whole file.
pub const ROOT: &[Key] = &[
    Key::new(
        "state",
        Form::Text(absolute),
        Otherwise("a directory below $XDG_STATE_HOME, or ~/.local/state"),
        AtStart,
        "Where the database, the mirrors and the working trees are kept. One process serves one state directory.",
    ),
    Key::new(
        "database",
        Form::Secret(database),
        Otherwise("SQLite in the state directory"),
        AtStart,
        "Where everything is recorded. `sqlite:PATH` or `postgres://USER@HOST/NAME`; SQLite is enough for one machine.",
    ),
    Key::new("mention", Form::Text(mention), Default("\"@agent\""), AtReload, "The name by which people call."),
    Key::new(
        "agent",
        Form::Text(not_empty),
        Otherwise("the only agent, where there is one"),
        AtReload,
        "The agent that works when a request names none with `agent=`.",
    ),
    table(
        "people",
        Form::Named { rule: parses::<Person>, keys: PERSON },
        AtReload,
        "Who may be what. Whoever is not listed is a stranger and may do nothing.",
    ),
    table(
        "groups",
        Form::Named { rule: not_empty, keys: GROUP },
        AtReload,
        "People who may be the same, by a name of your own.",
    ),
    table(
        "channels",
        Form::Named { rule: parses::<Channels>, keys: CHANNEL },
        AtReload,
        "What may be worked on from where, by channel: `slack/TEAM/CHANNEL`, in which each part may be `*`. From a channel \
         that is not listed everything may be.",
    ),
    table("policy", Form::Table(POLICY), AtReload, "What holds beside the roles: risky paths and deny rules."),
    table(
        "repos",
        Form::Named { rule: parses::<RepoName>, keys: REPO },
        AtStart,
        "What can be worked on, by the name that people say in `repo=`.",
    ),
    table(
        "agents",
        Form::Named { rule: agent_name, keys: AGENT },
        AtReload,
        "Who can do the work, by the name that people say in `agent=`.",
    ),
    table("queue", Form::Table(QUEUE), AtReload, "The merge queue."),
    table("context", Form::Table(CONTEXT), AtReload, "How much of its thread an agent gets to read."),
    table("waits", Form::Table(WAITS), AtReload, "How long people are waited for."),
    table("limits", Form::Table(LIMITS), AtStart, "How much at once."),
    table("web", Form::Table(WEB), AtStart, "The web page."),
    table("cage", Form::Table(CAGE), AtStart, "What holds agents and checks."),
    table(
        "egress",
        Form::Table(EGRESS),
        AtReload,
        "What sessions reach of the network: nothing that is not named here or allowed by a person.",
    ),
    table(
        "providers",
        Form::Named { rule: provider_name, keys: PROVIDER },
        AtReload,
        "Where models are. Agents reach them through a gateway that adds the key outside the cage.",
    ),
    table("setup", Form::Table(SETUP), AtStart, "What repositories' own .downbeat/setup may take."),
    table("costs", Form::Table(COSTS), AtReload, "What models cost, and how much is spent before a person is asked."),
    Key::new(
        "slack",
        Form::Table(SLACK),
        Otherwise("Slack is not used"),
        AtStart,
        "Slack. `downbeat slack manifest` prints what makes the app there.",
    ),
    Key::new(
        "github",
        Form::Table(GITHUB),
        Otherwise("published branches are all that people see"),
        AtStart,
        "GitHub, for the repositories that are there: pull requests instead of bare branches.",
    ),
];

/// What a person may be.
pub(super) const ROLES: &[&str] = &["viewer", "requester", "approver", "operator", "admin"];

const REPO: &[Key] = &[
    Key::new("remote", Form::Secret(remote), Needed, AtStart, "A path, an ssh or an https address."),
    Key::new("target", Form::Text(parses::<BranchName>), Needed, AtStart, "Where changes land."),
    Key::new(
        "checks",
        Form::Checks,
        Otherwise("what the repository says in .downbeat/config.toml"),
        AtStart,
        "Used where a commit's own .downbeat/config.toml says nothing about checks. `checks = []` lands untested.",
    ),
    REPO_STYLE,
    REPO_MESSAGE,
    REPO_CLOSED,
    REPO_GITHUB,
    table("egress", Form::Table(REPO_EGRESS), AtReload, "What its sessions reach of the network beside what all do."),
];

const AGENT: &[Key] = &[
    Key::new(
        "kind",
        Form::Choice(&["claude", "codex", "acp", "command", "recipe", "scripted"]),
        Needed,
        AtReload,
        "What sort of agent it is. `claude` is Claude Code, `codex` is Codex, `acp` any agent that speaks the Agent Client Protocol; \
         `command` is any program; `recipe` the repository's own .downbeat/recipes/*.toml, named by the request's first word; \
         `scripted` follows a script, for the demo and for tests only.",
    ),
    Key::new(
        "command",
        WORDS,
        NeededBy("command", "the agent's program on the cage's PATH"),
        AtReload,
        "The program and its arguments. One of the kind `command` gets the prompt on standard input and in $DOWNBEAT_PROMPT_FILE; \
         for the others the program's path is enough, and arguments take the place of the usual ones.",
    )
    .of_kinds(&["command", "claude", "codex", "acp"]),
    Key::new(
        "plan",
        WORDS,
        Otherwise("requests need plan=off"),
        AtReload,
        "The program that plans, with the tree read-only.",
    )
    .of_kinds(&["command"]),
    Key::new("model", Form::Text(not_empty), Otherwise("the agent's own choice"), AtReload, "The model, by the agent's own name for it.")
        .of_kinds(DRIVEN),
    Key::new(
        "provider",
        Form::Text(not_empty),
        Otherwise("the usual one of the agent"),
        AtReload,
        "Where its models are: a name in `providers`.",
    )
    .of_kinds(DRIVEN),
    Key::new(
        "asks",
        Form::Flag,
        Default("false"),
        AtReload,
        "Whether a person is asked before it changes or runs anything, beside what leaves the sandbox. Without it the sandbox is what holds it.",
    )
    .of_kinds(DRIVEN),
    Key::new(
        "plan_mode",
        Form::Text(not_empty),
        Otherwise("the usual one of the agent"),
        AtReload,
        "The mode in which it plans, by the agent's own name for it.",
    )
    .of_kinds(&["acp"]),
    Key::new("env", Form::Variables, Default("{}"), AtReload, "Environment for it. No place for secrets.")
        .of_kinds(&["command", "claude", "codex", "acp"]),
    Key::new("script", Form::Text(not_empty), Needed, AtReload, "The script's path.").of_kinds(&["scripted"]),
];

/// The agents that are spoken with.
const DRIVEN: &[&str] = &["claude", "codex", "acp"];

const WORDS: Form = Form::List { each: &Form::Text(any), min: 1 };

const QUEUE: &[Key] = &[
    Key::new(
        "policy",
        Form::Choice(&["adaptive", "nest", "hybrid", "optimistic", "train", "batch", "serial"]),
        Default("\"adaptive\""),
        AtReload,
        "Which changes are tested together, as docs/queue.md tells: `adaptive` lands most with the fewest runs under load, and soonest when little comes; a `train` tests each change on those before it; `batch` halves what is red; `serial` is one change a run.",
    ),
    Key::new(
        "batch_max",
        Form::Whole { min: 1, max: 64 },
        Default("8"),
        AtReload,
        "The most changes in one run of `batch`, or one group of `hybrid`. With one change in twenty bad, eight is near the cheapest size.",
    ),
    Key::new(
        "window",
        Form::Whole { min: 1, max: 64 },
        Default("20"),
        AtReload,
        "The most changes that `train` and `optimistic` test at once, to begin with: twenty, as Zuul and GitHub do. A train's window grows by one with each landing and is halved by each red head.",
    ),
    Key::new(
        "look_every_s",
        Form::Whole { min: 1, max: 86_400 },
        Default("15"),
        AtStart,
        "How often the remote's branch is looked at, in seconds: a push by others costs at most one run that long.",
    ),
    Key::new(
        "person_max",
        Form::Whole { min: 1, max: 1_000 },
        Default("50"),
        AtReload,
        "The most changes that one person has under test at once: a fleet of agents in a hurry, and others still get a turn. \
         The rest keep their places.",
    ),
    REPAIRS_MAX,
    REPAIR_MAX_MIN,
    CLOSED,
    STYLE,
    MESSAGE,
    VERDICT_MAX_AGE_H,
    REVERIFY_EVERY,
    ENVIRONMENT,
];

const LIMITS: &[Key] = &[
    Key::new(
        "tasks_live",
        Form::Whole { min: 1, max: 10_000 },
        Default("200"),
        AtReload,
        "Tasks that have not ended: each holds a working tree and somebody's attention.",
    ),
    Key::new(
        "sessions",
        Form::Whole { min: 1, max: 256 },
        Default("4"),
        AtStart,
        "Agent sessions at once: each takes about a gibibyte and a processor.",
    ),
    Key::new("checks", Form::Whole { min: 1, max: 256 }, Default("2"), AtStart, "Check runs at once."),
    Key::new("tries", Form::Whole { min: 1, max: 256 }, Default("1"), AtStart, "Changes tried at once, beside these."),
    Key::new(
        "session_min",
        Form::Whole { min: 1, max: 1_440 },
        Default("30"),
        AtStart,
        "Minutes that one session may take.",
    ),
    Key::new(
        "answer_min",
        Form::Whole { min: 1, max: 9 },
        Default("4"),
        AtStart,
        "Minutes for which a session waits for an answer before it ends its turn; the answer then begins the next. Some agents \
         give up on a tool call after five, and none waits longer than ten.",
    ),
    Key::new(
        "workspace_mb",
        Form::Whole { min: 1, max: 1 << 20 },
        Default("4096"),
        AtStart,
        "Megabytes that one working tree may hold after a session.",
    ),
    Key::new(
        "pool",
        Form::Whole { min: 0, max: 16 },
        Default("2"),
        AtStart,
        "Clones of each repository in use that stand ready for the next task: one that plans, one that works.",
    ),
    Key::new(
        "checkpoints",
        Form::Whole { min: 1, max: 1_000 },
        Default("50"),
        AtStart,
        "Checkpoints of each task that are kept, the newest: more turns than anybody goes back.",
    ),
    Key::new(
        "checkpoint_days",
        Form::Whole { min: 0, max: 365 },
        Default("7"),
        AtStart,
        "Days for which the checkpoints of a task and the raw lines of its agents are kept after it has ended.",
    ),
];

const WEB: &[Key] = &[Key::new(
    "listen",
    Form::Text(loopback),
    Default("\"127.0.0.1:7117\""),
    AtStart,
    "Where the page listens. Loopback only, because it asks nobody who they are.",
)];

const CAGE: &[Key] = &[
    Key::new(
        "level",
        Form::Choice(&["auto", "strong", "standard", "off"]),
        Default("\"auto\""),
        AtStart,
        "How firmly agents and checks are held. `auto` is `strong` where bubblewrap is installed and works, else `standard`; \
         where a level that is named cannot be had, nothing runs. `off` holds them by nothing but limits, and every card says so.",
    ),
    Key::new(
        "read",
        Form::List { each: &Form::Text(not_empty), min: 0 },
        Default("[]"),
        AtStart,
        "Directories that agents and checks may read beside the system's: toolchains, caches.",
    ),
    Key::new(
        "env",
        Form::Variables,
        Default("{}"),
        AtStart,
        "Environment for all of them, such as CARGO_HOME. No place for secrets.",
    ),
    Key::new(
        "memory_mb",
        Form::Whole { min: 64, max: 1 << 24 },
        Default("8192"),
        AtStart,
        "Megabytes of memory that the processes of one session or check may use together. Linking a large program takes about 4000, an agent below 1000.",
    ),
    Key::new(
        "disk_mb",
        Form::Whole { min: 1, max: 1 << 24 },
        Default("20480"),
        AtStart,
        "Megabytes on disk that the tree and the private directories of one session or check may take while it runs. A large build takes about 10000.",
    ),
    Key::new(
        "file_mb",
        Form::Whole { min: 1, max: 1 << 24 },
        Default("2048"),
        AtStart,
        "Megabytes of the largest file that may be written. A program with all its debugging symbols stays below 1000.",
    ),
    Key::new(
        "output_mb",
        Form::Whole { min: 1, max: 1 << 20 },
        Default("64"),
        AtStart,
        "Megabytes of output after which a session or check is stopped. A wordy build writes about one.",
    ),
    Key::new(
        "processes",
        Form::Whole { min: 1, max: 1 << 20 },
        Default("1024"),
        AtStart,
        "Processes and threads that one session or check may have at once. A build on 64 processors has about 300.",
    ),
    Key::new(
        "open_files",
        Form::Whole { min: 16, max: 1 << 20 },
        Default("4096"),
        AtStart,
        "Files that one process may have open. Linkers of large projects open about 2000.",
    ),
];

const SETUP: &[Key] = &[
    Key::new(
        "allow",
        HOSTS,
        Default("[\"registries\"]"),
        AtStart,
        "Hosts that the setup of a commit on the target may reach while it runs, beside those of its repository's sessions; written as in `egress.allow`. Nobody is asked about any other.",
    ),
    Key::new(
        "time_min",
        Form::Whole { min: 1, max: 240 },
        Default("20"),
        AtStart,
        "Minutes that one may take: long enough for the dependencies of a large project.",
    ),
    Key::new(
        "kept_gb",
        Form::Whole { min: 1, max: 10_000 },
        Default("20"),
        AtStart,
        "Gigabytes of all that are kept; those that were not used for the longest time go first.",
    ),
];

const COSTS: &[Key] = &[
    Key::new(
        "prices",
        Form::Text(absolute),
        Otherwise("the list that this release brings"),
        AtReload,
        "A list of prices of your own; the shipped one stands behind it. Its form is that of crates/agents/src/money/prices.toml.",
    ),
    Key::new(
        "task_usd",
        Form::Whole { min: 0, max: 1_000_000 },
        Default("10"),
        AtReload,
        "Dollars that one task may cost before a person is asked; 0 for no cap. Most tasks cost less than one.",
    ),
    Key::new(
        "channel_usd",
        Form::Whole { min: 0, max: 1_000_000 },
        Default("0"),
        AtReload,
        "Dollars that the tasks of one channel may cost in one day (UTC) before a person is asked; 0 for no cap.",
    ),
    Key::new(
        "day_usd",
        Form::Whole { min: 0, max: 1_000_000 },
        Default("100"),
        AtReload,
        "Dollars that all tasks may cost in one day (UTC) before a person is asked; 0 for no cap.",
    ),
];

/// Every key and table with its path, in which `NAME` stands for a name that people give.
pub fn described() -> Vec<(String, &'static Key)> {
    described_below("", ROOT)
}

fn described_below(path: &str, keys: &'static [Key]) -> Vec<(String, &'static Key)> {
    let with_below = |key: &'static Key| {
        let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let below = match key.below() {
            Some((Step::Direct, keys)) => described_below(&path, keys),
            Some((Step::Name, keys)) => described_below(&format!("{path}.NAME"), keys),
            Some((Step::Index, keys)) => described_below(&format!("{path}[]"), keys),
            None => Vec::new(),
        };
        std::iter::once((path, key)).chain(below)
    };
    keys.iter().flat_map(with_below).collect()
}

/// The key or table at a path as people write it: `queue.batch_max`, `people.ana.roles`, `policy.deny[0].why`, with its
/// path as [`described`] has it. A name and a place in a list may be left out.
pub fn find(path: &str) -> Option<(String, &'static Key)> {
    let path = path.replace('[', ".[");
    let wanted: Vec<&str> = path.split('.').collect();
    let is_wanted = |known: &str, key: &Key| {
        let known = known.replace('[', ".[");
        let steps: Vec<&str> = known.split('.').collect();
        let names_one = matches!(key.form, Form::Named { .. }) && wanted.len() == 2 && wanted[0] == known;
        fits(&steps, &wanted) || names_one
    };
    described().into_iter().find(|(known, key)| is_wanted(known, key))
}

/// Whether the steps that somebody wrote lead where the known ones do.
fn fits(known: &[&str], wanted: &[&str]) -> bool {
    match (known, wanted) {
        // A name may have dots in it, and so be several steps.
        (["NAME", known @ ..], wanted) => (0..=wanted.len()).any(|n| fits(known, &wanted[n..])),
        (["[]", known @ ..], [place, below @ ..]) => fits(known, if place.starts_with('[') { below } else { wanted }),
        ([one, known @ ..], [other, wanted @ ..]) => one == other && fits(known, wanted),
        (known, wanted) => known.is_empty() && wanted.is_empty(),
    }
}

pub(super) const fn table(name: &'static str, form: Form, applied: Applied, why: &'static str) -> Key {
    Key::new(name, form, Otherwise(AN_EMPTY_TABLE), applied, why)
}
