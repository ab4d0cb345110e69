//! The composition root: which performer works which lane, and how all of it starts and stops.

use std::sync::Arc;
use std::time::Duration;

use agents::checkpoint::Checkpoints;
use agents::checks::Gatekeeper;
use agents::dispatcher::Dispatcher;
use agents::egress::{Egress, Ports};
use agents::liaison::Bell;
use agents::money::Ledger;
use agents::publisher::Publisher;
use agents::session::{Roster, Transcripts};
use agents::setup::Setups;
use agents::timer::DeadlineTimer;
use agents::tools::Desks;
use agents::workspace::Workspaces;
use agents::workspace::pictures::Pictures;
use anyhow::Context as _;
use arc_swap::ArcSwap;
use domain::policy::Rules;
use domain::{BranchName, Cause, Clock, DeliveryId, RepoName};
use forge::{Repositories, Repository};
use mergeq::queue::Policy;
use mergeq::{
    Checker, Examiner, Judge, Lander, LandingRules, LeaseTimer, Prober, Probes, QueueDesk, Reconciler, Stager,
    StagingSettings, Trials, VerdictLedger,
};
use store::{Lane, Pump, Pumping, Store, StoreSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bridge::{Enqueuer, Reporter};
use crate::chat::console::Console;
use crate::chat::conversation::DecisionTimer;
use crate::chat::intake::{Intake, IntakeSettings};
use crate::chat::lookout::{Forecasts, Lookout};
use crate::chat::messenger::Messenger;
use crate::chat::notifier::{Notifier, Replier, Unsaid};
use crate::chat::reader::Reader;
use crate::chat::refresher::Refresher;
use crate::chat::running;
use crate::chat::switchboard::Switchboard;
use crate::clock::fresh_name;
use crate::closings::Closings;
use crate::config::Config;
use crate::control::wire::RunningTask;
use crate::runner::{CagedChecks, OwnRuns};
use crate::signpost::Signpost;
use crate::slack::Slack;
use crate::trier::Trier;
use crate::upkeep::Upkeep;

/// How long a shutdown waits for what is running; after that leases expire by themselves.
const GRACE: Duration = Duration::from_secs(8);

/// How often cards are looked at for waits that have become long or are over: as long as a person looks at one.
const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// How many messages are understood at once: each waits for the database most of its time.
const TALK_AT_ONCE: usize = 16;

/// How many messages are said at once: each waits for the limits of its platform most of its time.
const SAID_AT_ONCE: usize = 256;

/// Where copies are made for checks, below the state directory.
const CHECKS_DIR: &str = "checks";

/// Everything that runs in one process.
pub struct System {
    /// The database.
    pub store: Store,
    /// The console.
    pub console: Console,
    /// Slack, where it is configured.
    pub slack: Option<Arc<Slack>>,
    /// The repositories.
    pub repositories: Repositories,
    /// What understands people.
    pub intake: Intake,
    /// What opens the way out of a cage.
    pub egress: Egress,
    /// One pump a lane and kind.
    pub pumps: Vec<Arc<dyn Pumping>>,
    desk: QueueDesk,
    landing: LandingRules,
    reconciler: Reconciler,
    closings: Closings,
    refresher: Arc<Refresher>,
    lookout: Arc<Lookout>,
    look_every: Duration,
    workspaces: Workspaces,
    pictures: Pictures,
    checkpoints: Checkpoints,
    setups: Setups,
    ledger: Ledger,
    verdicts: VerdictLedger,
}

/// What every performer is made of.
struct Parts {
    store: Store,
    console: Console,
    slack: Option<Arc<Slack>>,
    rules: Arc<ArcSwap<Rules>>,
    repositories: Repositories,
    desk: QueueDesk,
    landing: LandingRules,
    roster: Arc<Roster>,
    bell: Arc<Bell>,
    workspaces: Workspaces,
    pictures: Pictures,
    notifier: Notifier,
    checks: Arc<Gatekeeper>,
    setups: Setups,
    egress: Egress,
    ledger: Ledger,
    verdicts: VerdictLedger,
    probes: Probes,
    desks: Desks,
}

impl System {
    /// Opens the state directory and joins the parts. Nothing runs yet.
    pub async fn assemble(config: &Config, clock: Arc<dyn Clock>, cage: agents::cage::Cage) -> anyhow::Result<Self> {
        let state = &config.state;
        config.make_state()?;
        let store = Store::open(&StoreSettings::new(config.database()), clock.clone()).await;
        let store = store.with_context(|| format!("failed to open the database {}", config.database_shown()))?;
        let repositories = open_repositories(config, clock.clone()).await?;
        let rules = Arc::new(ArcSwap::from_pointee(config.rules()?));
        let level = cage.probe(state).await.map_err(anyhow::Error::msg)?;
        let desk = QueueDesk::new(store.clone(), queue_rules(&repositories, config));
        let landing = LandingRules::default();
        landing.replace(config.landing_rules());
        let console = Console::new(store.clone());
        let slack = Slack::open(config, store.clone(), clock.clone(), rules.clone()).await?.map(Arc::new);
        let messenger: Arc<dyn Messenger> = Arc::new(Switchboard {
            console: Arc::new(console.clone()),
            slack: slack.as_ref().map(|slack| slack.messenger()),
        });
        let program = std::env::current_exe().context("failed to find this program's own file")?;
        let threads = Arc::new(Reader { messenger: messenger.clone() });
        let desks = Desks { program, threads, claims: Arc::default(), store: store.clone() };
        let workspaces = Workspaces::new(state.join("workspaces"), config.workspaces());
        let pictures = Pictures::new(state.join("pictures"));
        let roster = Arc::new(Roster::new(config.agents.clone(), &cage));
        let ledger = Ledger::new(store.clone(), config.costs.price_list()?, config.costs.caps());
        let verdicts = VerdictLedger::new(store.clone(), config.queue.reuse_terms());
        let notifier = Notifier {
            store: store.clone(),
            messenger,
            repositories: repositories.clone(),
            roster: roster.clone(),
            ledger: ledger.clone(),
            board: Arc::default(),
            forecasts: Forecasts::default(),
            cage: level.in_brief(),
        };
        slack.iter().for_each(|slack| slack.show_homes_with(notifier.clone()));
        let egress = Egress::new(&config.egress_settings(), Ports::at(&level))
            .context("failed to make ready for the providers of models")?;
        let (made, settings) = (state.join("setups"), config.setup.settings());
        let setups = Setups::new(cage.clone(), egress.clone(), made, settings, clock);
        let checks = Arc::new(Gatekeeper::new(cage, state.join(CHECKS_DIR), setups.clone(), &level));
        let bell = Arc::default();
        let parts = Parts {
            store,
            console,
            slack,
            rules,
            repositories,
            desk,
            landing,
            roster,
            bell,
            workspaces,
            pictures,
            notifier,
            checks,
            setups,
            egress,
            ledger,
            verdicts,
            probes: Probes::default(),
            desks,
        };
        Ok(parts.join(config))
    }

    /// Brings the state in order after a crash, as the only process of its database.
    pub async fn recover(&self, config: &Config) -> anyhow::Result<()> {
        if self.store.backend() == store::Backend::Sqlite {
            let n = self.store.forget_leases().await?;
            if n > 0 {
                tracing::info!("{n} effects were left unfinished and are taken up again");
            }
        }
        self.enforce_policies().await?;
        // Copies that checks were run on belong to runs of a process that is gone.
        match std::fs::remove_dir_all(config.state.join(CHECKS_DIR)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("old check copies stay: {error}")
            }
            Ok(()) | Err(_) => {}
        }
        let live = agents::task::view::live_ids(&self.store).await?;
        let n = self.workspaces.remove_orphans(&live).await?;
        if n > 0 {
            tracing::info!("{n} working trees without a live task were removed");
        }
        self.pictures.remove_orphans(&agents::task::view::live_pictures(&self.store).await?).await?;
        let n = transcripts_of(config).remove_old(&live, self.store.now())?;
        if n > 0 {
            tracing::info!("{n} files with raw lines of agents, of tasks that ended long ago, were removed");
        }
        self.setups.trim().await?;
        let n = self.checkpoints.remove_old(&self.repositories, &live).await?;
        if n > 0 {
            tracing::info!("the checkpoints of {n} tasks that ended long ago were removed");
        }
        Ok(())
    }

    async fn enforce_policies(&self) -> anyhow::Result<()> {
        for repository in self.repositories.iter() {
            let cause = Cause::Delivery(DeliveryId::new(format!("policy:{}", fresh_name())));
            self.desk.enforce_policy(&repository.name, cause).await?;
        }
        Ok(())
    }

    /// Goes by another config from now on, as far as that is possible while it runs: people, policy, agents, and how much
    /// at once. What runs goes on under the old one.
    pub async fn adopt(&self, config: &Config) -> anyhow::Result<()> {
        let rules = config.rules()?.remembering(&self.intake.rules.load());
        self.intake.rules.store(Arc::new(rules));
        self.egress.replace(&config.egress_settings())?;
        self.intake.roster.replace(config.agents.clone());
        self.intake.settings.store(Arc::new(intake_settings(config)));
        self.slack.iter().for_each(|slack| slack.adopt(config));
        self.ledger.replace(config.costs.price_list()?, config.costs.caps());
        self.verdicts.replace_terms(config.queue.reuse_terms());
        self.desk.replace_rules(queue_rules(&self.repositories, config));
        self.landing.replace(config.landing_rules());
        self.enforce_policies().await
    }

    /// Runs every lane until `stop` fires, then lets them end within a bound.
    pub async fn run(&self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        for pump in &self.pumps {
            let (pump, stop) = (pump.clone(), stop.clone());
            tracker.spawn(async move { pump.run(stop).await });
        }
        let (reconciler, every, until) = (self.reconciler.clone(), self.look_every, stop.clone());
        tracker.spawn(async move { reconciler.run(every, until).await });
        let (workspaces, until) = (self.workspaces.clone(), stop.clone());
        tracker.spawn(async move { workspaces.pool().run(until).await });
        let upkeep = Upkeep { store: self.store.clone(), verdicts: self.verdicts.clone() };
        let until = stop.clone();
        tracker.spawn(async move { upkeep.run(until).await });
        let (closings, until) = (self.closings.clone(), stop.clone());
        tracker.spawn(async move { closings.run(until).await });
        let (refresher, until) = (self.refresher.clone(), stop.clone());
        tracker.spawn(async move { refresher.run(REFRESH_EVERY, until).await });
        let (lookout, until) = (self.lookout.clone(), stop.clone());
        tracker.spawn(async move { lookout.run(REFRESH_EVERY, until).await });
        if let Some(slack) = self.slack.clone() {
            let until = stop.clone();
            tracker.spawn(async move { slack.run(until).await });
        }
        tracker.close();
        stop.cancelled().await;
        if tokio::time::timeout(GRACE, tracker.wait()).await.is_err() {
            tracing::warn!("some work did not stop within {} s; its leases will expire", GRACE.as_secs());
        }
    }

    /// Performs whatever is due, one effect after the other, until nothing is; says how many there were. For tests and
    /// tools that move the clock by hand.
    pub async fn drain(&self) -> Result<usize, store::StoreError> {
        let mut performed = 0;
        loop {
            let mut idle = true;
            for pump in &self.pumps {
                while pump.perform_next().await? {
                    (idle, performed) = (false, performed + 1);
                }
            }
            if idle {
                return Ok(performed);
            }
        }
    }

    /// What is going on now, one line a task.
    pub async fn running(&self) -> Result<Vec<RunningTask>, store::StoreError> {
        running::running(&self.store, &self.desk).await
    }

    /// Brings the cards of tasks that wait up to date once.
    pub async fn refresh(&self) -> Result<(), Unsaid> {
        self.refresher.refresh_once().await
    }

    /// Tells the cards of changes that wait what is in their way, once.
    pub async fn look_out(&self) -> Result<(), Unsaid> {
        self.lookout.look_once().await
    }

    /// Looks at the truth of every target branch once.
    pub async fn reconcile(&self) {
        self.reconciler.reconcile_all().await;
    }

    /// Looks once which pull requests somebody closed.
    pub async fn look_for_closed(&self) -> Result<(), store::StoreError> {
        self.closings.look_once().await
    }
}

fn transcripts_of(config: &Config) -> Transcripts {
    Transcripts::new(config.state.join("transcripts"), config.checkpoints().kept_for)
}

fn intake_settings(config: &Config) -> IntakeSettings {
    IntakeSettings {
        mention: config.mention.clone(),
        agent: config.agent.clone(),
        context: config.context.limits(),
        waits: config.waits.of_tasks(),
        repository_wait: config.waits.repository(),
        task_cap_micros: config.costs.caps().task,
        tasks_live_max: config.limits.tasks_live,
    }
}

fn queue_rules(repositories: &Repositories, config: &Config) -> Vec<(RepoName, BranchName, Policy)> {
    let rule = |one: &Repository| (one.name.clone(), one.target.clone(), config.queue_policy(&one.name));
    repositories.iter().map(rule).collect()
}

async fn open_repositories(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Repositories> {
    let settings = crate::github::repositories(config, clock)?;
    Ok(Repositories::open(&config.state.join("mirrors"), &settings, config.git()).await?)
}

impl Parts {
    fn join(self, config: &Config) -> System {
        let intake = self.intake(config);
        let pumps = [self.task_pumps(config), self.queue_pumps(config), self.chat_pumps(&intake)].concat();
        System {
            refresher: Arc::new(Refresher::new(self.notifier.clone())),
            lookout: Arc::new(Lookout::new(self.notifier.clone(), self.probes.clone())),
            reconciler: Reconciler::new(self.store.clone(), self.repositories.clone()),
            closings: Closings { store: self.store.clone(), repositories: self.repositories.clone() },
            look_every: Duration::from_secs(config.queue.look_every_s),
            desk: self.desk,
            landing: self.landing,
            console: self.console,
            slack: self.slack,
            intake,
            repositories: self.repositories,
            checkpoints: Checkpoints::new(self.store.clone(), self.workspaces.clone(), config.checkpoints()),
            store: self.store,
            workspaces: self.workspaces,
            pictures: self.pictures,
            egress: self.egress,
            setups: self.setups,
            ledger: self.ledger,
            verdicts: self.verdicts,
            pumps,
        }
    }

    fn task_pumps(&self, config: &Config) -> Vec<Arc<dyn Pumping>> {
        let dispatcher = Dispatcher {
            store: self.store.clone(),
            repositories: self.repositories.clone(),
            rules: self.rules.clone(),
            roster: self.roster.clone(),
            workspaces: self.workspaces.clone(),
            pictures: self.pictures.clone(),
            checks: self.checks.clone(),
            witness: Arc::new(OwnRuns(self.verdicts.clone())),
            checkpoints: Checkpoints::new(self.store.clone(), self.workspaces.clone(), config.checkpoints()),
            egress: self.egress.clone(),
            ledger: self.ledger.clone(),
            board: self.notifier.board.clone(),
            desks: self.desks.clone(),
            transcripts: transcripts_of(config),
            setups: self.setups.clone(),
            bell: self.bell.clone(),
            time_max: config.session_time(),
            patience: config.patience(),
        };
        let publisher = Publisher {
            store: self.store.clone(),
            repositories: self.repositories.clone(),
            workspaces: self.workspaces.clone(),
            pictures: self.pictures.clone(),
            claims: self.desks.claims.clone(),
        };
        let enqueuer =
            Enqueuer { store: self.store.clone(), desk: self.desk.clone(), repositories: self.repositories.clone() };
        let trials = Trials::new(self.stager(), self.judge());
        let trier = Trier { store: self.store.clone(), repositories: self.repositories.clone(), trials };
        vec![
            self.pump(Lane::new("session", config.limits.sessions), dispatcher),
            self.pump(Lane::new("publish", 2), publisher),
            self.pump(Lane::new("try", config.limits.tries), trier),
            self.pump(joining_lane("merge", 2), enqueuer),
            self.pump(Lane::new("timer", 4), DeadlineTimer),
        ]
    }

    fn queue_pumps(&self, config: &Config) -> Vec<Arc<dyn Pumping>> {
        let checker = Checker::new(self.store.clone(), self.repositories.clone(), self.judge());
        let mail_domain = StagingSettings::default().mail_domain;
        let examiner = Examiner::new(self.store.clone(), self.repositories.clone(), &mail_domain);
        let (store, repositories) = (self.store.clone(), self.repositories.clone());
        let reporter = Reporter { signpost: Signpost::new(repositories.clone()), store, repositories };
        vec![
            self.pump(Lane::new("stage", 2), self.stager()),
            self.pump(Lane::new("probe", 2), Prober::new(self.repositories.clone(), self.probes.clone())),
            self.pump(Lane::new("checks", config.limits.checks), checker),
            self.pump(Lane::new("land", 2), Lander::new(self.repositories.clone())),
            self.pump(Lane::new("audit", 2), examiner),
            self.pump(joining_lane("report", 4), reporter),
            self.pump(Lane::new("timer", 4), LeaseTimer),
        ]
    }

    fn stager(&self) -> Stager {
        let settings = StagingSettings { rules: self.landing.clone(), ..StagingSettings::default() };
        Stager::new(self.store.clone(), self.repositories.clone(), settings)
    }

    fn judge(&self) -> Judge {
        let runner = CagedChecks { gatekeeper: self.checks.clone(), store: self.store.clone() };
        Judge::new(self.store.clone(), Arc::new(runner), self.verdicts.clone())
    }

    fn intake(&self, config: &Config) -> Intake {
        Intake {
            store: self.store.clone(),
            messenger: self.notifier.messenger.clone(),
            rules: self.rules.clone(),
            repositories: self.repositories.clone(),
            desk: self.desk.clone(),
            roster: self.roster.clone(),
            bell: self.bell.clone(),
            notifier: self.notifier.clone(),
            pictures: self.pictures.clone(),
            settings: Arc::new(ArcSwap::from_pointee(intake_settings(config))),
        }
    }

    fn chat_pumps(&self, intake: &Intake) -> Vec<Arc<dyn Pumping>> {
        vec![
            self.pump(Lane::new("intake", TALK_AT_ONCE), intake.clone()),
            self.pump(Lane::new("timer", 4), DecisionTimer),
            self.pump(chat_lane(), self.notifier.clone()),
            self.pump(chat_lane(), Replier { messenger: intake.messenger.clone() }),
        ]
    }

    fn pump<P: store::Performer>(&self, lane: Lane, performer: P) -> Arc<dyn Pumping> {
        Arc::new(Pump::new(self.store.clone(), lane, performer))
    }
}

/// What is said waits for its platform: as many messages as threads there are, for as long as the platform is away.
fn chat_lane() -> Lane {
    Lane { attempts_max: u32::MAX, ..Lane::new("chat", SAID_AT_ONCE) }
}

/// A lane between the two machines. Half a handover would leave them in disagreement for ever, so it is tried until it is
/// done; it only writes to the store, which is not what kills a process.
fn joining_lane(name: &'static str, limit: usize) -> Lane {
    Lane { attempts_max: u32::MAX, ..Lane::new(name, limit) }
}
