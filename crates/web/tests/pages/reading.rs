//! What the pages say.

use agents::task::{Task, TaskEvent};
use domain::TaskId;
use domain::policy::Tier;
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
    expect![[r#""#]].assert_eq(&site.get("/").await.text());
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
    expect![[r#""#]].assert_eq(&site.get("/tasks/T-1").await.text());
}

#[tokio::test]
async fn a_red_check_shows_the_end_of_its_output_without_terminal_colours() {
    let office = Office::open().await;
    let id = office.ask("cem", WEB, "An empty cart has a total of zero").await;
    office.plan(id, draft("Correct it", &["Correct it"], &["src/cart.rs"]), Tier::R1, "source").await;
    office.approve(id, "ben").await;
    let printed = format!("the first line\n{}\u{1b}[31mthe last line\u{1b}[0m\n", "more\n".repeat(200));
    let checks = vec![check("test", Conclusion::Failed, &printed)];
    office.publish(id, work(1, &[("src/cart.rs", 3, 1)], checks)).await;
    let page = Site::of(&office).await.get("/tasks/T-1").await;
    let text = page.text();
    assert!(text.contains("test 14 s · exit 101 failed") || text.contains("test\n14 s · exit 101"), "{text}");
    assert!(text.contains("\nthe last line\n") && !text.contains("the first line"), "{text}");
    assert!(page.body.contains("<details open>"), "the output of a red check is folded away");
}

#[tokio::test]
async fn work_that_came_after_the_stop_is_not_shown_as_the_change() {
    let office = Office::open().await;
    let id = office.ask("cem", WEB, "Change it").await;
    office.plan(id, draft("Change it", &[], &[]), Tier::R1, "source").await;
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
    office.plan(id, draft("Change it", &[], &[]), Tier::R1, "source").await;
    office.approve(id, "ben").await;
    office.publish(id, work(1, &[("src/old.rs", 3, 1)], green())).await;
    let site = Site::of(&office).await;
    assert!(site.get("/tasks/T-1").await.text().contains("src/old.rs"));
    office.tell(id, TaskEvent::RetryRequested { by: person("cem") }).await;
    assert!(!site.get("/tasks/T-1").await.text().contains("src/old.rs"));
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let office = Office::open().await;
    live_a_day(&office).await;
    let site = Site::of(&office).await;
    let mut links = site.get("/").await.links();
    links.extend(site.get("/tasks/T-1").await.links());
    links.extend(site.get("/nowhere").await.links());
    links.sort();
    links.dedup();
    assert!(links.len() > 20, "{links:?}");
    for link in links.iter().filter(|link| link.starts_with('/')) {
        assert_eq!(site.get(link).await.status, 200, "{link}");
    }
}

#[tokio::test]
async fn lists_are_cut_at_their_limit_and_say_so() {
    let office = Office::open().await;
    for n in 0..5 {
        office.ask("ana", WEB, &format!("Request {n}")).await;
    }
    let lines: Vec<_> = (0..6).map(|n| format!("line {n}.")).collect();
    office.store.append_log("task", "T-1", &lines).await.unwrap();
    for session in 1..4 {
        office.tell(TaskId::new(1), TaskEvent::SessionStarted { session }).await;
    }
    let settings = web::WebSettings { tasks_max: 3, lines_max: 2, ..Default::default() };
    let site = Site::with(&office, settings).await;
    let board = site.get("/").await.text();
    assert!(board.contains("Running 5") && board.contains("3 of 5 are shown."), "{board}");
    let task = site.get("/tasks/T-1").await.text();
    assert!(task.contains("The last 2 lines are shown.\nline 4.\nline 5.\n") && !task.contains("line 3."), "{task}");
    assert!(task.contains("The last 2 events are shown."), "{task}");
    assert!(office.store.load::<Task>(&TaskId::new(1)).await.unwrap().is_some());
}
