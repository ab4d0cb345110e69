//! A working day of the office: one task in every state, and two queues.

use agents::task::{Proof, TaskEvent};
use domain::{EntryId, TaskId};
use forge::Conclusion;
use mergeq::queue::{Obstacle, QueueEvent, RunId, Verdict};

use crate::office::{BILLING, Office, WEB, check, draft, green, person, sha, work};

const RED: &str = "running 48 tests\n....................................F...........\n\n\
    ---- cart::an_empty_cart_has_no_total ----\n\u{1b}[31mthread 'main' panicked\u{1b}[0m at src/cart.rs:118:9:\n\
    assertion `left == right` failed\n  left: Some(0)\n right: None\n\ntest result: FAILED. 47 passed; 1 failed\n";

/// Lives through the day.
pub async fn live_a_day(office: &Office) {
    land_in_the_morning(office).await;
    end_otherwise(office).await;
    wait_for_people(office).await;
    fill_the_queues(office).await;
    keep_agents_busy(office).await;
    office.pass(41);
}

async fn planned(office: &Office, who: &str, repo: &str, text: &str) -> TaskId {
    let id = office.ask(who, repo, text).await;
    let steps = ["Find where it goes wrong", "Correct it", "Add a test that fails without the correction"];
    office.plan(id, draft(text, &steps, &["src/lib.rs", "src/cart.rs", "tests/lib.rs"])).await;
    id
}

async fn published(office: &Office, who: &str, repo: &str, text: &str) -> TaskId {
    let id = planned(office, who, repo, text).await;
    office.approve(id, "ben").await;
    office.publish(id, work(id.number(), &[("src/lib.rs", 14, 3), ("tests/lib.rs", 22, 0)], green())).await;
    id
}

async fn land_in_the_morning(office: &Office) {
    let id = office.ask("ana", WEB, "Send people back to the page that asked for the login\n\nRight now everybody lands on the start page, also when they followed a link from a mail.").await;
    office.tell(id, TaskEvent::CardPosted { card: card() }).await;
    let steps =
        ["Remember the path in the login form", "Check that it is a path of ours", "Redirect there after the login"];
    let first = draft("Remember the page in the session", &steps[..1], &["src/session.rs"]);
    office.plan(id, first).await;
    let feedback = "please not in the session, a second tab would overwrite it".to_owned();
    office.tell(id, TaskEvent::RevisionRequested { by: person("ben"), feedback }).await;
    let second =
        draft("Carry the page through the login form and redirect there", &steps, &["src/login.rs", "tests/login.rs"]);
    office.plan(id, second).await;
    office.approve(id, "ben").await;
    let log =
        ["reading src/login.rs", "\u{1b}[1medit\u{1b}[0m src/login.rs", "running cargo test login", "3 tests passed"];
    office.store.append_log("task", &id.to_string(), &log.map(str::to_owned)).await.unwrap();
    office.publish(id, work(id.number(), &[("src/login.rs", 31, 8), ("tests/login.rs", 44, 0)], green())).await;
    office.merge(id, "ana").await;
    office.stage(WEB, 1, &[id]).await;
    office.tell(id, TaskEvent::EntryProgressed { note: None }).await;
    office.pass(48);
    office.queue(WEB, QueueEvent::ChecksConcluded { run: RunId(1), verdict: Verdict::Passed }).await;
    office.queue(WEB, QueueEvent::Landed { run: RunId(1) }).await;
    office.tell(id, TaskEvent::EntryMerged { commit: sha(id.number() + 500), proof: Proof::Tested }).await;

    let id = published(office, "cem", BILLING, "Correct the VAT line on invoices to Switzerland").await;
    office.merge(id, "cem").await;
    office.stage(BILLING, 1, &[id]).await;
    office.queue(BILLING, QueueEvent::ChecksConcluded { run: RunId(1), verdict: Verdict::Untested }).await;
    office.queue(BILLING, QueueEvent::Landed { run: RunId(1) }).await;
    office.tell(id, TaskEvent::EntryMerged { commit: sha(id.number() + 500), proof: Proof::Untested }).await;
    office.pass(5_400);
}

async fn end_otherwise(office: &Office) {
    let id = planned(office, "dana", BILLING, "Keep card numbers so that people need not type them twice").await;
    let why = "we must not store those; ask the payment provider for a token".to_owned();
    office.tell(id, TaskEvent::Refused { by: person("ben"), why }).await;

    let id = planned(office, "ana", WEB, "Move the mails to the new template engine").await;
    office.approve(id, "ben").await;
    let why = "the agent ended with exit 1 after 3 attempts\n\nerror: could not reach the registry\n  Caused by: network is not allowed in this cage".to_owned();
    office.tell(id, TaskEvent::SessionFailed { session: 2, why }).await;

    let id = planned(office, "cem", WEB, "Mark the session cookie Secure and SameSite").await;
    office.approve(id, "ben").await;
    let answer = "src/session.rs:41 sets Secure, HttpOnly and SameSite=Lax already.".to_owned();
    office.tell(id, TaskEvent::NothingChanged { session: 2, answer }).await;
    office.pass(2_700);
}

async fn wait_for_people(office: &Office) {
    let id = office.ask("ana", WEB, "Limit how often a password can be tried").await;
    let steps = [
        "Count failed logins by account and address",
        "Answer 429 with Retry-After from the tenth on",
        "Let the count fade after 15 minutes",
        "Test with a clock that is moved by hand",
    ];
    let paths = ["Cargo.toml", "src/login.rs", "src/limits.rs", "tests/limits.rs"];
    let plan = draft("Count failed logins and slow them down", &steps, &paths);
    office.plan(id, plan).await;

    let id = planned(office, "dana", WEB, "Show the delivery date in the cart").await;
    office.approve(id, "ben").await;
    let beyond = work(id.number(), &[("src/cart.rs", 18, 2), (".github/workflows/ci.yml", 4, 1)], green());
    office.finish(id, beyond).await;

    published(office, "cem", WEB, "Make the search find words with umlauts").await;

    let id = published(office, "ana", WEB, "Rename the basket to cart everywhere").await;
    office.merge(id, "ana").await;
    let (run, entry) = (RunId(2), EntryId::from(id));
    let obstacle = Obstacle::Conflict { paths: vec!["src/login.rs".to_owned()] };
    office.queue(WEB, QueueEvent::StagingBlocked { run, base: sha(0), entry, obstacle }).await;
    let why = "conflicts with T-1 in src/login.rs".to_owned();
    office.tell(id, TaskEvent::EntryEjected { why }).await;

    let id = planned(office, "cem", WEB, "An empty cart has a total of zero").await;
    office.approve(id, "ben").await;
    let checks = vec![check("test", Conclusion::Failed, RED), check("lint", Conclusion::Passed, "")];
    office.publish(id, work(id.number(), &[("src/cart.rs", 3, 1)], checks)).await;
}

async fn fill_the_queues(office: &Office) {
    let mut line = Vec::new();
    for (who, text) in [
        ("ana", "Cache the exchange rates for an hour"),
        ("dana", "Close the menu with the Escape key"),
        ("cem", "Log slow queries with their plan"),
    ] {
        line.push(published(office, who, WEB, text).await);
    }
    for id in &line {
        office.merge(*id, "ben").await;
    }
    office.stage(WEB, 3, &line[..1]).await;

    let id = published(office, "dana", BILLING, "Round to five cents for cash in Switzerland").await;
    office.queue(BILLING, QueueEvent::Paused { by: person("ben") }).await;
    office.merge(id, "ben").await;
}

async fn keep_agents_busy(office: &Office) {
    let id = planned(office, "ana", WEB, "Write the access log as JSON").await;
    office.approve(id, "ben").await;
    let id = planned(office, "dana", WEB, "Drop the support for the old export format").await;
    office.approve(id, "ben").await;
    office.tell(id, TaskEvent::StopRequested { by: person("dana") }).await;
    let id = planned(office, "cem", BILLING, "Add the order number to the invoice").await;
    office.approve(id, "ben").await;
    office.finish(id, work(id.number(), &[("src/lib.rs", 6, 1)], green())).await;
    let id = office.ask("ana", WEB, "Find out why the checkout test fails by chance").await;
    office.tell(id, TaskEvent::SessionStarted { session: 1 }).await;
    office.ask("cem", BILLING, "Translate the reminder mails to French").await;
}

fn card() -> domain::MessageRef {
    domain::MessageRef { thread: domain::ThreadRef::console("checkout"), id: "2".to_owned() }
}
