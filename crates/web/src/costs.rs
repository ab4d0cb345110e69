//! What agents used, by agent, model, person and repository.

use std::time::Duration;

use agents::money::{Grouping, Total, totals};
use domain::Timestamp;
use domain::time::humanize;
use serde::Serialize;
use store::{Store, StoreError};

use crate::report::Report;

/// How far back the page looks: a month, which is what bills are for.
const PAGE_DAYS: u64 = 30;

/// One table of the page.
#[derive(Debug, Serialize)]
pub(crate) struct CostTable {
    pub(crate) by: &'static str,
    pub(crate) rows: Vec<CostRow>,
}

/// One line of a table.
#[derive(Debug, Serialize)]
pub(crate) struct CostRow {
    #[serde(flatten)]
    pub(crate) total: Total,
    pub(crate) cost: String,
    pub(crate) tokens: String,
}

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct Costs {
    pub(crate) days: u64,
    pub(crate) all: Option<CostRow>,
    pub(crate) tables: Vec<CostTable>,
}

impl Costs {
    pub(crate) async fn read(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let since = now - Duration::from_secs(PAGE_DAYS * 24 * 3_600);
        let mut tables = Vec::new();
        for by in [Grouping::Agent, Grouping::Model, Grouping::Person, Grouping::Repo] {
            let rows = totals(store, by, since).await?.into_iter().map(CostRow::of).collect();
            tables.push(CostTable { by: by.word(), rows });
        }
        let all = totals(store, Grouping::All, since).await?.into_iter().next().map(CostRow::of);
        Ok(Self { days: PAGE_DAYS, all, tables })
    }

    /// `$12.40 in the last 30 days`.
    pub(crate) fn headline(&self) -> String {
        match &self.all {
            None => format!("Nothing was used in the last {} days", self.days),
            Some(all) if all.total.n_priced == 0 => format!("Of unknown cost in the last {} days", self.days),
            Some(all) => format!("{} in the last {} days", all.cost, self.days),
        }
    }
}

impl CostTable {
    pub(crate) fn heading(&self) -> String {
        format!("By {}", if self.by == "repo" { "repository" } else { self.by })
    }
}

impl CostRow {
    fn of(total: Total) -> Self {
        Self { cost: total.cost(), tokens: total.use_of_tokens(), total }
    }

    pub(crate) fn name(&self) -> &str {
        if self.total.name.is_empty() { "not said" } else { &self.total.name }
    }

    pub(crate) fn tasks(&self) -> String {
        match self.total.n_tasks {
            1 => "1 task".to_owned(),
            n => format!("{n} tasks"),
        }
    }
}

/// What was used within a time before now, as the command line prints it.
pub async fn report_costs(store: &Store, by: Grouping, within: Duration) -> Result<Report, StoreError> {
    let totals = totals(store, by, store.now() - within).await?;
    let text = agents::money::table_of(&totals, by, &format!("in the last {}", humanize(within)));
    Ok(Report::new(text, &totals))
}
