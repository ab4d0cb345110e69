//! From what a script does to the tool of the asking agent that does it.

use serde_json::{Map, Value, json};

use super::asked::{Asked, Tool};
use super::script::Action;

/// One use of a tool, in the asking agent's words.
#[derive(Clone, Debug, PartialEq)]
pub enum Use {
    /// Calls this tool.
    Call {
        /// The tool's name.
        name: String,
        /// The group that it belongs to, where it does.
        namespace: Option<String>,
        /// An object, or a text for a tool that takes any text.
        input: Value,
    },
    /// Asks the agent for the definition of a tool that it holds back; the step comes again.
    Load(Value),
    /// The agent has no tool for it: it is said.
    Say(String),
}

/// What the asking agent is to do for an action; some take more than one call.
pub fn uses(action: &Action, asked: &Asked) -> Vec<Use> {
    let wishes: Vec<_> = [Wish::of(action, asked.cwd())].into_iter().chain(Wish::instead_of(action)).collect();
    if let Some(uses) = wishes.iter().find_map(|wish| offered(wish, asked)) {
        return written_plan(action, asked).into_iter().chain(uses).collect();
    }
    if let Some(name) = wishes.iter().find_map(|wish| held_back(wish, asked)) {
        return vec![Use::Load(json!({ "query": format!("select:{name}"), "max_results": 5 }))];
    }
    vec![by_shell_or_words(action, asked)]
}

/// An action in the words of all agents at once: what no schema has is left out again.
struct Wish {
    /// What agents call the tool; the first that is offered is used.
    names: &'static [&'static str],
    /// The end of the name of a tool that is none of the usual ones.
    ending: Option<String>,
    /// Several inputs are several calls where the tool takes one thing at a time.
    inputs: Vec<Value>,
}

impl Wish {
    fn of(action: &Action, cwd: &str) -> Self {
        let at = |path: &str| match path.starts_with('/') || cwd.is_empty() {
            true => path.to_owned(),
            false => format!("{cwd}/{path}"),
        };
        let usual = |names: &'static [&'static str], input: Value| Self { names, ending: None, inputs: vec![input] };
        match action {
            Action::Shell(command) => usual(
                &["Bash", "exec_command", "run_shell_command", "bash"],
                json!({ "command": command, "cmd": command, "description": "Runs a command", "yield_time_ms": 30_000 }),
            ),
            Action::Read(path) => {
                let path = at(path);
                usual(
                    &["Read", "read_file", "read", "view"],
                    json!({ "file_path": path, "filePath": path, "path": path }),
                )
            }
            Action::Write { path, text } => {
                let path = at(path);
                usual(
                    &["Write", "write_file", "write", "create"],
                    json!({ "file_path": path, "filePath": path, "path": path, "content": text, "file_text": text }),
                )
            }
            Action::Edit { path, old, new } => {
                let path = at(path);
                usual(
                    &["Edit", "replace", "edit"],
                    json!({
                        "file_path": path, "filePath": path, "path": path, "instruction": "Puts lines in the place of others",
                        "old_string": old, "oldString": old, "old_str": old,
                        "new_string": new, "newString": new, "new_str": new,
                    }),
                )
            }
            Action::Plan(entries) => Self::todo(entries),
            Action::FinishPlan(plan) => usual(&["ExitPlanMode"], json!({ "plan": plan })),
            Action::Ask { question, choices } => Self::question(question, choices),
            Action::Tool { name, input } => {
                Self { names: &[], ending: Some(name.clone()), inputs: vec![input.clone()] }
            }
        }
    }

    fn todo(entries: &[String]) -> Self {
        let list: Vec<_> = entries
            .iter()
            .map(|text| {
                json!({
                    "content": text, "description": text, "step": text, "activeForm": text,
                    "status": "pending", "priority": "medium",
                })
            })
            .collect();
        let names = &["TodoWrite", "todowrite", "write_todos", "update_plan"];
        Self { names, ending: None, inputs: vec![json!({ "todos": list, "plan": list })] }
    }

    /// What does the same where an agent has no tool of its own for it.
    fn instead_of(action: &Action) -> Option<Self> {
        match action {
            // Newer releases of Claude Code have no tool for a whole list.
            Action::Plan(entries) => {
                let one = |text: &String| json!({ "subject": text, "description": text, "activeForm": text });
                Some(Self { names: &["TaskCreate"], ending: None, inputs: entries.iter().map(one).collect() })
            }
            // The tool that every session is offered.
            Action::Ask { question, choices } => Some(Self {
                names: &[],
                ending: Some("ask_person".to_owned()),
                inputs: vec![json!({ "question": question, "choices": choices })],
            }),
            Action::Shell(_)
            | Action::Read(_)
            | Action::Write { .. }
            | Action::Edit { .. }
            | Action::FinishPlan(_)
            | Action::Tool { .. } => None,
        }
    }

    fn question(question: &str, choices: &[String]) -> Self {
        let options: Vec<_> = choices.iter().map(|choice| json!({ "label": choice, "description": choice })).collect();
        let one = json!({
            "id": "question", "header": "Question", "question": question, "type": "choice", "options": options,
            "multiSelect": false, "multiple": false,
        });
        Self {
            names: &["AskUserQuestion", "request_user_input", "ask_user", "question"],
            ending: None,
            inputs: vec![json!({ "questions": [one], "question": question, "choices": choices })],
        }
    }

    fn is_for(&self, tool: &Tool) -> bool {
        self.names.contains(&tool.name.as_str()) || self.ending.as_ref().is_some_and(|end| tool.name.ends_with(end))
    }
}

fn offered(wish: &Wish, asked: &Asked) -> Option<Vec<Use>> {
    asked.tools.iter().filter(|tool| wish.is_for(tool)).find_map(|tool| {
        let fitted = |input| if wish.ending.is_some() { Some(Value::clone(input)) } else { fit(input, &tool.schema) };
        let inputs: Option<Vec<Value>> = wish.inputs.iter().map(fitted).collect();
        let call = |input| Use::Call { name: tool.name.clone(), namespace: tool.namespace.clone(), input };
        Some(inputs?.into_iter().map(call).collect())
    })
}

/// Claude proposes a plan by writing it into the file that it was told, before it says that it has one.
fn written_plan(action: &Action, asked: &Asked) -> Vec<Use> {
    let Action::FinishPlan(text) = action else { return Vec::new() };
    let words = asked.contexts().rev().flat_map(str::split_whitespace);
    let mut files = words.filter(|word| word.contains("/plans/") && word.trim_end_matches('.').ends_with(".md"));
    let write = |file: &str| Action::Write { path: file.trim_end_matches('.').to_owned(), text: text.clone() };
    files.next().map_or_else(Vec::new, |file| uses(&write(file), asked))
}

/// What of an input a schema knows, all through; none when it wants something that is not there.
fn fit(input: &Value, schema: &Value) -> Option<Value> {
    match input {
        Value::Object(fields) => {
            let Some(known) = schema.get("properties").and_then(Value::as_object) else { return Some(input.clone()) };
            let kept: Option<Map<_, _>> = fields
                .iter()
                .filter_map(|(name, value)| Some((name, value, known.get(name)?)))
                .map(|(name, value, schema)| Some((name.clone(), fit(value, schema)?)))
                .collect();
            let kept = kept?;
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            required.filter_map(Value::as_str).all(|name| kept.contains_key(name)).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            items.iter().map(|item| fit(item, schema)).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(input.clone()),
    }
}

/// Claude names some tools without defining them, and defines them when it is asked with a tool for that.
fn held_back(wish: &Wish, asked: &Asked) -> Option<String> {
    asked.tools.iter().find(|tool| tool.name == "ToolSearch")?;
    let named = |line: &&str| wish.is_for(&Tool { name: (*line).to_owned(), ..Tool::default() });
    asked.contexts().flat_map(str::lines).find(named).map(str::to_owned)
}

/// Codex has no tools for files; it writes through patches, and with some models runs everything from JavaScript.
fn by_shell_or_words(action: &Action, asked: &Asked) -> Use {
    let scripted = asked.tools.iter().find(|tool| tool.name == "exec" && tool.schema.is_null());
    match (action, scripted) {
        (Action::FinishPlan(plan), None) if asked.tools.iter().all(|tool| tool.name != "exec_command") => {
            Use::Say(plan.clone())
        }
        (Action::FinishPlan(plan), _) => Use::Say(format!("<proposed_plan>\n{plan}\n</proposed_plan>")),
        (Action::Plan(entries), _) => Use::Say(entries.iter().map(|entry| format!("- {entry}\n")).collect()),
        (_, Some(exec)) => {
            let input = Value::String(javascript(action));
            Use::Call { name: exec.name.clone(), namespace: exec.namespace.clone(), input }
        }
        (Action::Read(path), None) => shell(&format!("cat '{path}'"), asked),
        (Action::Write { .. } | Action::Edit { .. }, None) => {
            shell(&format!("apply_patch <<'PATCH'\n{}PATCH", patch(action)), asked)
        }
        (Action::Shell(_) | Action::Ask { .. } | Action::Tool { .. }, None) => {
            Use::Say(format!("There is no tool for {action:?}."))
        }
    }
}

fn shell(command: &str, asked: &Asked) -> Use {
    let wish = Wish::of(&Action::Shell(command.to_owned()), asked.cwd());
    let call = offered(&wish, asked).and_then(|uses| uses.into_iter().next());
    call.unwrap_or_else(|| Use::Say(format!("There is no tool for `{command}`.")))
}

fn javascript(action: &Action) -> String {
    let run = |command: &str| format!("tools.exec_command({})", json!({ "cmd": command, "yield_time_ms": 30_000 }));
    let call = match action {
        Action::Shell(command) => run(command),
        Action::Read(path) => run(&format!("cat '{path}'")),
        Action::Write { .. } | Action::Edit { .. } => format!("tools.apply_patch({})", json!(patch(action))),
        Action::Plan(_) | Action::FinishPlan(_) | Action::Ask { .. } => {
            let input = Wish::of(action, "").inputs.swap_remove(0);
            format!("tools.request_user_input({})", json!({ "questions": input["questions"] }))
        }
        Action::Tool { name, input } => {
            let find = format!("ALL_TOOLS.find(tool => tool.name.endsWith({})).name", json!(name));
            format!("tools[{find}]({input})")
        }
    };
    format!("text(await {call});\n")
}

/// The patch, in Codex' own form, that makes a change.
fn patch(action: &Action) -> String {
    let marked = |mark: char, text: &str| text.lines().map(|line| format!("{mark}{line}\n")).collect::<String>();
    let body = match action {
        Action::Write { path, text } => format!("*** Add File: {path}\n{}", marked('+', text)),
        Action::Edit { path, old, new } => {
            format!("*** Update File: {path}\n@@\n{}{}", marked('-', old), marked('+', new))
        }
        Action::Shell(_)
        | Action::Read(_)
        | Action::Plan(_)
        | Action::FinishPlan(_)
        | Action::Ask { .. }
        | Action::Tool { .. } => String::new(),
    };
    format!("*** Begin Patch\n{body}*** End Patch\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tool: &str, schema: Value) -> Asked {
        let mut asked =
            Asked { tools: vec![Tool { name: tool.to_owned(), namespace: None, schema }], ..Asked::default() };
        asked.hear("<env>\n Working directory: /w\n</env>");
        asked
    }

    fn call(name: &str, input: Value) -> Vec<Use> {
        vec![Use::Call { name: name.to_owned(), namespace: None, input }]
    }

    #[test]
    fn an_action_becomes_what_the_schema_asks_for() {
        let write = Action::Write { path: "a.txt".to_owned(), text: "x\n".to_owned() };
        let schema = json!({ "properties": { "filePath": {}, "content": {} }, "required": ["filePath", "content"] });
        assert_eq!(
            uses(&write, &asked("write", schema)),
            call("write", json!({ "filePath": "/w/a.txt", "content": "x\n" }))
        );
        let schema = json!({ "properties": { "path": {}, "file_text": {} }, "required": ["path", "file_text"] });
        assert_eq!(
            uses(&write, &asked("create", schema)),
            call("create", json!({ "path": "/w/a.txt", "file_text": "x\n" }))
        );
    }

    #[test]
    fn an_agent_with_nothing_but_a_shell_patches() {
        let edit = Action::Edit { path: "a.txt".to_owned(), old: "x\n".to_owned(), new: "y\n".to_owned() };
        let schema = json!({ "properties": { "cmd": {} }, "required": ["cmd"] });
        let patch = "apply_patch <<'PATCH'\n*** Begin Patch\n*** Update File: a.txt\n@@\n-x\n+y\n*** End Patch\nPATCH";
        assert_eq!(uses(&edit, &asked("exec_command", schema)), call("exec_command", json!({ "cmd": patch })));
    }

    #[test]
    fn a_tool_is_found_by_the_end_of_its_name() {
        let ask = Action::Tool { name: "ask_person".to_owned(), input: json!({ "question": "which?" }) };
        let uses = uses(&ask, &asked("mcp__downbeat__ask_person", json!({})));
        assert_eq!(uses, call("mcp__downbeat__ask_person", json!({ "question": "which?" })));
    }
}
