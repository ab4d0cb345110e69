//! Money and tokens as people read them.

use super::table::{Grouping, Total};

/// `$0.42`, `$12`, `$1,204`; below a cent `< $0.01`.
pub fn dollars(micros: u64) -> String {
    let cents = (micros + 5_000) / 10_000;
    match (micros, cents) {
        (0, _) => "$0".to_owned(),
        (_, 0) => "< $0.01".to_owned(),
        (_, cents) if cents % 100 == 0 => format!("${}", grouped(cents / 100)),
        (_, cents) => format!("${}.{:02}", grouped(cents / 100), cents % 100),
    }
}

/// `812`, `34k`, `1.2M`.
pub fn tokens(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}k", (n + 500) / 1_000),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let is_third = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits.char_indices().flat_map(|(at, digit)| is_third(at).then_some(',').into_iter().chain([digit])).collect()
}

impl Total {
    /// The money: `$1.24`, `unknown` where no price is known, `$1.24 and more` where some are not.
    pub fn cost(&self) -> String {
        match (self.n_priced, self.n_reports - self.n_priced.min(self.n_reports)) {
            (_, 0) => dollars(self.cost_micros),
            (0, _) => "unknown".to_owned(),
            _ => format!("{} and more", dollars(self.cost_micros)),
        }
    }

    /// The tokens: `1.2M in (80% from cache), 34k out`.
    pub fn use_of_tokens(&self) -> String {
        let read = self.input + self.cache_read + self.cache_write;
        let share = self.cache_read.saturating_mul(100).checked_div(read).unwrap_or(0);
        let cached = if share > 0 { format!(" ({share}% from cache)") } else { String::new() };
        format!("{} in{cached}, {} out", tokens(read), tokens(self.output))
    }

    /// Everything about it in one line, for a card or a thread: `$1.24 · 1.2M in (80% from cache), 34k out`.
    pub fn in_words(&self) -> String {
        format!("{} · {}", self.cost(), self.use_of_tokens())
    }
}

/// A list of totals for people, aligned, one line each; `over` says of what time, as in `in the last 7 d`.
pub fn table_of(totals: &[Total], by: Grouping, over: &str) -> String {
    if totals.is_empty() {
        return format!("No agent has reported any use {over}.\n");
    }
    let name = |total: &Total| if total.name.is_empty() { "(not said)".to_owned() } else { total.name.clone() };
    let row = |total: &Total| {
        let tasks = if total.n_tasks == 1 { "1 task".to_owned() } else { format!("{} tasks", total.n_tasks) };
        [name(total), total.cost(), tasks, total.use_of_tokens()]
    };
    let rows: Vec<[String; 4]> = totals.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |row: &[String; 4]| {
        let [name, cost, tasks, used] = row;
        let [a, b, c, _] = widths;
        format!("  {name:a$}  {cost:>b$}  {tasks:>c$}  {used}\n")
    };
    let heading = match by {
        Grouping::All => format!("Cost {over}\n"),
        by => format!("Cost by {} {over}\n", by.word()),
    };
    let unknown = totals.iter().any(|total| total.n_priced < total.n_reports);
    let hint =
        if unknown { "Some models have no price; give them one in the list that `costs.prices` names.\n" } else { "" };
    heading + &rows.iter().map(line).collect::<String>() + hint
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn money_and_tokens_read_as_people_say_them() {
        let money = [0, 900, 5_000, 423_000, 10_000_000, 1_204_000_000, 12_345_678_900];
        let said: Vec<String> = money.into_iter().map(dollars).collect();
        assert_eq!(said.join(" | "), "$0 | < $0.01 | $0.01 | $0.42 | $10 | $1,204 | $12,345.68");
        let said: Vec<String> = [0, 812, 1_499, 34_000, 1_260_000].into_iter().map(tokens).collect();
        assert_eq!(said.join(" "), "0 812 1k 34k 1.2M");
    }

    #[test]
    fn totals_stand_in_columns_and_say_what_is_unknown() {
        let known = Total {
            name: "claude".into(),
            n_tasks: 12,
            n_reports: 80,
            n_priced: 80,
            input: 200_000,
            ..Total::default()
        };
        let known = Total { cache_read: 800_000, output: 34_000, cost_micros: 4_250_000, ..known };
        let partly = Total {
            name: "codex".into(),
            n_tasks: 1,
            n_reports: 2,
            n_priced: 1,
            input: 900,
            cost_micros: 4,
            ..Total::default()
        };
        let unknown = Total { n_tasks: 1, n_reports: 2, input: 900, output: 20, ..Total::default() };
        expect![[r#"
            Cost by agent in the last 7 d
              claude                 $4.25  12 tasks  1.0M in (80% from cache), 34k out
              codex       < $0.01 and more    1 task  900 in, 0 out
              (not said)           unknown    1 task  900 in, 20 out
            Some models have no price; give them one in the list that `costs.prices` names.
        "#]]
        .assert_eq(&table_of(&[known, partly, unknown], Grouping::Agent, "in the last 7 d"));
        assert_eq!(table_of(&[], Grouping::All, "today"), "No agent has reported any use today.\n");
    }
}
