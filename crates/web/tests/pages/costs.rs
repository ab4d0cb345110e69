//! What agents used, as the page and a task show it.

use agents::money::{Caps, Ledger, PriceList, Spender};
use agents::session::event::Usage;
use domain::ThreadRef;
use expect_test::expect;

use crate::browser::Site;
use crate::office::{Office, WEB};

/// Keeps what one session of a new task used.
async fn spend(office: &Office, agent: &str, reports: &[Usage]) -> domain::TaskId {
    let task = office.ask("ana", WEB, "Add a farewell").await;
    let ledger = Ledger::new(office.store.clone(), PriceList::default(), Caps::default());
    let spender = Spender {
        budget: None,
        task,
        session: task.to_string(),
        agent: agent.to_owned(),
        person: "ana".parse().unwrap(),
        repo: WEB.parse().unwrap(),
        thread: ThreadRef::console("checkout"),
    };
    for (n, usage) in (1..).zip(reports) {
        ledger.keep(&spender, n, usage).await.unwrap();
    }
    task
}

fn used(model: &str, cache_read: u64, output: u64) -> Usage {
    Usage { model: model.to_owned(), input: 20_000, cache_read, output, ..Usage::default() }
}

#[tokio::test]
async fn the_page_of_costs_sums_up_a_month_and_says_what_is_unknown() {
    let office = Office::open().await;
    let site = Site::of(&office).await;
    expect![[r#"
        Board / Costs
        Nothing was used in the last 30 days
        Agents report what they use while they work; it is counted here.
    "#]]
    .assert_eq(&site.get("/costs").await.text());
    spend(&office, "long ago", &[used("gpt-5", 0, 9_000_000)]).await;
    office.pass(40 * 24 * 3_600);
    let task = spend(&office, "claude", &[used("claude-sonnet-4-5-20250929", 980_000, 60_000)]).await;
    spend(&office, "codex", &[used("gpt-5-codex", 0, 4_000), used("<mystery>", 0, 100)]).await;
    expect![[r#"
        Board / Costs
        $1.32 and more in the last 30 days
        2 tasks · 1.0M in (94% from cache), 64k out · the cost of 1 of 3 reports is unknown
        By agent
        agent cost tasks tokens
        claude $1.25 1 task 1.0M in (98% from cache), 60k out
        codex $0.07 and more 1 task 40k in, 4k out
        By model
        model cost tasks tokens
        claude-sonnet-4-5-20250929 $1.25 1 task 1.0M in (98% from cache), 60k out
        gpt-5-codex $0.07 1 task 20k in, 4k out
        <mystery> unknown 1 task 20k in, 100 out
        By person
        person cost tasks tokens
        ana $1.32 and more 2 tasks 1.0M in (94% from cache), 64k out
        By repository
        repo cost tasks tokens
        acme/web $1.32 and more 2 tasks 1.0M in (94% from cache), 64k out
    "#]]
    .assert_eq(&site.get("/costs").await.text());
    assert!(site.get("/").await.links().contains(&"/costs".to_owned()));
    let shown = site.get(&format!("/tasks/{task}")).await.text();
    assert!(shown.contains("Cost\n$1.25 · 1.0M in (98% from cache), 60k out"), "{shown}");
    let api: serde_json::Value = serde_json::from_str(&site.get("/api/costs").await.body).unwrap();
    assert_eq!(api["all"]["cost_micros"], 1_319_000);
    assert_eq!(api["tables"][0]["by"], "agent");
    assert_eq!(api["tables"][0]["rows"][1]["n_priced"], 1);
}
