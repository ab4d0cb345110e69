//! What the pages say.

use agents::task::TaskEvent;
use domain::TaskId;
use expect_test::expect;
use forge::Conclusion;

use crate::browser::Site;
use crate::day::live_a_day;
use crate::office::{Office, WEB, check, draft, green, person, work};

#[tokio::test]
async fn the_board_shows_who_is_needed_then_what_runs_then_the_queues_and_what_ended() {
    let office = Office::open().await;
    live_a_day(&office).await;
    let site = Site::of(&office).await;
    expect![[r#"
        5 tasks need a person
        9 running · 4 in the merge queue · 5 ended
        Needs a person 5
        Limit how often a password can be tried
        approve plan
        Plan v1 waits for an approval: Count failed logins and slow them down
        T-6 acme/web asked by ana claude 64 min ago
        Say approve T-6 or revise T-6 … or reject T-6 in console/checkout
        Show the delivery date in the cart
        accept change
        Done, but stopped before publishing: its plan was approved as R1, but the change is R2 (.github/workflows/ci.yml: runs on every change)
        T-7 acme/web asked by dana claude 58 min ago
        Say approve T-7 or reject T-7 in console/checkout
        Make the search find words with umlauts
        ready to merge
        Published with +36 −3 in 2 files; its 2 checks passed
        T-8 acme/web asked by cem claude 51 min ago
        Say merge T-8 or try T-8 in console/checkout
        Rename the basket to cart everywhere
        sent back
        Did not land: conflicts with T-1 in src/login.rs
        T-9 acme/web asked by ana claude 45 min ago
        Say retry T-9 or merge T-9 in console/checkout
        An empty cart has a total of zero
        checks fail
        Published with +3 −1 in 1 file; it does not pass test
        T-10 acme/web asked by cem claude 38 min ago
        Say retry T-10 or revise T-10 … in console/checkout
        Running 9
        Translate the reminder mails to French
        queued
        Waits for its turn to plan
        T-19 acme/billing asked by cem claude 41 s ago
        Find out why the checkout test fails by chance
        planning
        Planning, with nothing writable
        T-18 acme/web asked by ana claude 41 s ago
        Add the order number to the invoice
        publishing
        Publishing +6 −1 in 1 file
        T-17 acme/billing asked by cem claude 48 s ago
        Drop the support for the old export format
        stopping
        Stopping, as dana said
        T-16 acme/web asked by dana claude 7 min ago
        Write the access log as JSON
        working
        At work on plan v1, approved by ben
        T-15 acme/web asked by ana claude 9 min ago
        Round to five cents for cash in Switzerland
        in queue
        Position 1 of 1 · waiting, sent by ben
        T-14 acme/billing asked by dana claude 12 min ago
        Log slow queries with their plan
        in queue
        Position 3 of 3 · waiting, sent by ben
        T-13 acme/web asked by cem claude 19 min ago
        Close the menu with the Escape key
        in queue
        Position 2 of 3 · waiting, sent by ben
        T-12 acme/web asked by dana claude 19 min ago
        Cache the exchange rates for an hour
        in queue
        Position 1 of 3 · testing, sent by ben
        T-11 acme/web asked by ana claude 19 min ago
        Merge queue
        acme/billing →into main
        paused
        Paused by ben
        Nothing new starts. When it may go on, say resume.
        1
        Round to five cents for cash in Switzerland
        waiting
        T-14 dana came 12 min ago
        Left lately
        Correct the VAT line on invoices to Switzerland
        merged
        T-2 Merged untested as df002b791b 3 h ago
        acme/web →into main
        running
        1
        Cache the exchange rates for an hour
        testing
        T-11 run-3 ana came 19 min ago
        2
        Close the menu with the Escape key
        waiting
        T-12 dana came 19 min ago
        3
        Log slow queries with their plan
        waiting
        T-13 cem came 19 min ago
        Left lately
        Rename the basket to cart everywhere
        ejected
        T-9 Ejected: conflicts with the target in src/login.rs 45 min ago
        Send people back to the page that asked for the login
        merged
        T-1 Merged as 40c8b1bf9c 3 h ago
        Ended 5
        Mark the session cookie Secure and SameSite
        answered
        Nothing to change: src/session.rs:41 sets Secure, HttpOnly and SameSite=Lax already.
        T-5 acme/web asked by cem claude 110 min ago
        Move the mails to the new template engine
        failed
        The agent ended with exit 1 after 3 attempts
        T-4 acme/web asked by ana claude 113 min ago
        Say retry T-4 in console/checkout
        Keep card numbers so that people need not type them twice
        cancelled
        Rejected by ben: we must not store those; ask the payment provider for a token
        T-3 acme/billing asked by dana claude 115 min ago
        Correct the VAT line on invoices to Switzerland
        merged untested
        Landed on main as df002b791b, untested, because its repository asks for no checks
        T-2 acme/billing asked by cem claude 3 h ago
        Send people back to the page that asked for the login
        merged
        Landed on main as 40c8b1bf9c, tested in exactly that form
        T-1 acme/web asked by ana claude 3 h ago
    "#]].assert_eq(&site.get("/").await.text());
}

#[tokio::test]
async fn every_task_stands_in_exactly_one_section() {
    let office = Office::open().await;
    live_a_day(&office).await;
    let site = Site::of(&office).await;
    let tasks: serde_json::Value = serde_json::from_str(&site.get("/api/tasks").await.body).unwrap();
    let mut listed = Vec::new();
    for section in ["needs_person", "running", "ended"] {
        let ids =
            tasks[section]["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned());
        let ids: Vec<_> = ids.collect();
        assert_eq!(tasks[section]["count"], ids.len(), "the count of {section} is wrong");
        listed.extend(ids);
    }
    listed.sort_by_key(|id| id.parse::<TaskId>().unwrap());
    let all = agents::task::view::newest(&office.store, 1_000).await.unwrap();
    assert_eq!(listed, all.iter().rev().map(|line| line.id.to_string()).collect::<Vec<_>>());
    let states: std::collections::BTreeSet<_> = all.iter().map(|line| line.state.clone()).collect();
    assert_eq!(states.len(), 13, "a state is missing in the day: {states:?}");
}

#[tokio::test]
async fn a_task_shows_its_plan_its_change_its_checks_and_its_story() {
    let office = Office::open().await;
    live_a_day(&office).await;
    let site = Site::of(&office).await;
    expect![[r#"
        Board / T-1
        Send people back to the page that asked for the login
        merged asked 3 h ago changed 3 h ago
        Now
        Landed on main as 40c8b1bf9c, tested in exactly that form
        Request
        Send people back to the page that asked for the login
        Right now everybody lands on the start page, also when they followed a link from a mail.
        Plan v2
        approved by ben #3809dc64
        Carry the page through the login form and redirect there
        Remember the path in the login form
        Check that it is a path of ours
        Redirect there after the login
        Risk
        R1
        Files
        src/login.rs tests/login.rs
        Checks
        test
        Change
        +75 −8 in 2 files 9e3779b97f..3c6ef372fe
        src/login.rs +31 −8
        tests/login.rs +44 −0
        Risk
        R1
        Cage
        files, time and processes limited; no network
        Checks 2
        test
        14 s
        passed
        Output
        running 48 tests
        test result: ok. 48 passed; 0 failed; finished in 2.31s
        lint
        14 s
        passed
        Log
        reading src/login.rs
        edit src/login.rs
        running cargo test login
        3 tests passed
        Facts
        Repository
        acme/web
        Lands on
        main
        Asked by
        ana
        Thread
        console/checkout
        Agent
        claude
        Read
        6 messages (1 bot message left out)
        Plan
        a person approves it
        Merges
        when a person says so
        Sessions
        3
        Published
        downbeat/T-1
        Timeline
        ana asked →, which led to: Queued
        3 Nov 09:00:00 delivery console:1
        Card posted
        3 Nov 09:00:07 delivery console:2
        Session 1 started →, which led to: Planning
        3 Nov 09:00:14 delivery console:3
        Plan proposed, at risk R1 →, which led to: Awaiting approval
        Remember the page in the session
        3 Nov 09:00:55 delivery console:4
        ben asked for a revision →, which led to: Queued
        please not in the session, a second tab would overwrite it
        3 Nov 09:01:02 delivery console:5
        Session 2 started →, which led to: Planning
        3 Nov 09:01:09 delivery console:6
        Plan proposed, at risk R1 →, which led to: Awaiting approval
        Carry the page through the login form and redirect there
        3 Nov 09:01:50 delivery console:7
        ben approved plan v2 →, which led to: Queued
        3 Nov 09:03:32 delivery console:8
        Session 3 started →, which led to: Working
        3 Nov 09:03:39 delivery console:9
        Session 3 finished its work →, which led to: Publishing
        3 Nov 09:07:18 delivery console:10
        Published as downbeat/T-1 →, which led to: In review
        3 Nov 09:07:25 delivery console:11
        ana sent it to the merge queue →, which led to: Merging
        3 Nov 09:07:32 delivery console:12
        Moved in the merge queue
        3 Nov 09:07:45 delivery console:15
        Landed as 40c8b1bf9c →, which led to: Merged
        3 Nov 09:08:46 delivery console:18
    "#]]
    .assert_eq(&site.get("/tasks/T-1").await.text());
}

#[tokio::test]
async fn a_red_check_shows_the_end_of_its_output_without_terminal_colours() {
    let office = Office::open().await;
    let id = office.ask("cem", WEB, "An empty cart has a total of zero").await;
    office.plan(id, draft("Correct it", &["Correct it"], &["src/cart.rs"])).await;
    office.approve(id, "ben").await;
    let printed = format!("the first line\n{}\u{1b}[31mthe last line\u{1b}[0m\n", "more\n".repeat(200));
    let checks = vec![check("test", Conclusion::Failed, &printed)];
    office.publish(id, work(1, &[("src/cart.rs", 3, 1)], checks)).await;
    let page = Site::of(&office).await.get("/tasks/T-1").await;
    let text = page.text();
    assert!(text.contains("test\n14 s · exit 101\nfailed\n"), "{text}");
    assert!(text.contains("\nthe last line\n") && !text.contains("the first line"), "{text}");
    assert!(page.body.contains("<details open>"), "the output of a red check is folded away");
}

#[tokio::test]
async fn work_that_came_after_the_stop_is_not_shown_as_the_change() {
    let office = Office::open().await;
    let id = office.ask("cem", WEB, "Change it").await;
    office.plan(id, draft("Change it", &[], &[])).await;
    office.approve(id, "ben").await;
    office.tell(id, TaskEvent::StopRequested { by: person("cem") }).await;
    office.finish(id, work(1, &[("src/late.rs", 3, 1)], green())).await;
    let text = Site::of(&office).await.get("/tasks/T-1").await.text();
    assert!(text.contains("Session 2 finished its work") && text.contains("Stopped by cem"), "{text}");
    assert!(!text.contains("src/late.rs"), "{text}");
}

#[tokio::test]
async fn a_retry_takes_the_old_change_from_the_page() {
    let office = Office::open().await;
    let id = office.ask("cem", WEB, "Change it").await;
    office.plan(id, draft("Change it", &[], &[])).await;
    office.approve(id, "ben").await;
    office.publish(id, work(1, &[("src/old.rs", 3, 1)], green())).await;
    let site = Site::of(&office).await;
    assert!(site.get("/tasks/T-1").await.text().contains("src/old.rs"));
    office.tell(id, TaskEvent::RetryRequested { by: person("cem"), agent: None, model: None }).await;
    assert!(!site.get("/tasks/T-1").await.text().contains("src/old.rs"));
}
