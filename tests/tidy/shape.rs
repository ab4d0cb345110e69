//! How long, how named, how begun: what one sees of a file before reading it.

use std::collections::BTreeSet;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Fault;
use crate::house::{File, House, line_range};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

const BANNED_FILES: [&str; 11] = [
    "common.rs",
    "errors.rs",
    "helper.rs",
    "helpers.rs",
    "imp.rs",
    "manager.rs",
    "misc.rs",
    "models.rs",
    "types.rs",
    "util.rs",
    "utils.rs",
];
const BANNED_SUFFIXES: [&str; 9] = ["Common", "Data", "Helper", "Info", "Manager", "Misc", "Service", "Util", "Utils"];
/// The object after `handle_` has to say more than that something came.
const BANNED_FUNCTIONS: [&str; 7] =
    ["handle", "handle_all", "handle_event", "handle_input", "handle_it", "handle_message", "handle_request"];
const BANNED_PREFIXES: [&str; 2] = ["do_", "process_"];

/// The names of the enums that this house declares and for which `_` arms are forbidden.
///
/// States are left out: "in any other state this came late" is what a machine has to say most often, and listing the
/// other states each time would hide the one that counts.
pub fn own_enums(house: &House) -> BTreeSet<String> {
    let mut enums = EnumNames::default();
    for file in house.rust_files().filter(|file| !file.is_test) {
        if let Some(syntax) = file.syntax() {
            enums.visit_file(syntax);
        }
    }
    enums.0
}

#[derive(Default)]
struct EnumNames(BTreeSet<String>);

impl<'ast> Visit<'ast> for EnumNames {
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let name = item.ident.to_string();
        if !name.ends_with("State") {
            self.0.insert(name);
        }
    }
}

/// What is wrong with the shape of one Rust file.
pub fn faults(file: &File, own_enums: &BTreeSet<String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let name = file.path.rsplit('/').next().unwrap_or_default();
    if BANNED_FILES.contains(&name) {
        faults.push(Fault::new(
            &file.path,
            1,
            "file name",
            "name the file after what it holds, in the words of the field",
        ));
    }
    let n_lines = file.text.lines().count();
    if n_lines > FILE_LINES_MAX {
        let advice = format!("{n_lines} lines; split it along the story, at most {FILE_LINES_MAX}");
        faults.push(Fault::new(&file.path, FILE_LINES_MAX + 1, "file length", advice));
    }
    if !file.text.starts_with("//!") {
        faults.push(Fault::new(&file.path, 1, "module doc", "begin with `//!`: what the file is for"));
    }
    if let Some(syntax) = file.syntax() {
        let mut reader = Reader { path: &file.path, own_enums, texts: expected_texts(file), found: Vec::new() };
        reader.visit_file(syntax);
        // Tests may leave out arms that they do not care for; the other rules hold for them too.
        faults
            .extend(reader.found.into_iter().filter(|fault| fault.rule != OWN_ENUM || !file.is_test_line(fault.line)));
    }
    faults
}

const OWN_ENUM: &str = "own enum";

struct Reader<'a> {
    path: &'a str,
    own_enums: &'a BTreeSet<String>,
    /// Where a literal begins, and over how many more lines it goes.
    texts: Vec<(usize, usize)>,
    found: Vec<Fault>,
}

/// The literals of more than one line in a file's tests. A test's transcript is as long as the conversation, and does
/// not make the test harder to follow.
fn expected_texts(file: &File) -> Vec<(usize, usize)> {
    let long = file.tokens().iter().map(|token| (token.line, token.text.matches('\n').count()));
    long.filter(|(line, more)| *more > 0 && file.is_test_line(*line)).collect()
}

impl Reader<'_> {
    fn fault(&mut self, line: usize, rule: &'static str, advice: String) {
        self.found.push(Fault::new(self.path, line, rule, advice));
    }

    fn read_function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let name = signature.ident.to_string();
        let first = signature.span().start().line;
        let range = first..=*line_range(block.span()).end();
        let n_text: usize = self.texts.iter().filter(|(line, _)| range.contains(line)).map(|(_, more)| more).sum();
        let n_lines = range.count() - n_text;
        if n_lines > FUNCTION_LINES_MAX {
            let advice = format!(
                "`{name}` has {n_lines} lines; keep the branching, move the leaves out, at most {FUNCTION_LINES_MAX}"
            );
            self.fault(first, "function length", advice);
        }
        let is_banned =
            BANNED_FUNCTIONS.contains(&name.as_str()) || BANNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if is_banned {
            self.fault(first, "function name", format!("`{name}` says nothing at the call site; say verb and object"));
        }
    }

    fn read_type_name(&mut self, ident: &syn::Ident) {
        let name = ident.to_string();
        if let Some(suffix) = BANNED_SUFFIXES.iter().find(|suffix| name.ends_with(**suffix)) {
            let advice = format!("`{name}`: `{suffix}` says nothing; name what it is");
            self.fault(ident.span().start().line, "type name", advice);
        }
    }

    fn is_own_variant(&self, pattern: &syn::Pat) -> bool {
        let path = match pattern {
            syn::Pat::Path(pattern) => &pattern.path,
            syn::Pat::Struct(pattern) => &pattern.path,
            syn::Pat::TupleStruct(pattern) => &pattern.path,
            syn::Pat::Or(pattern) => return pattern.cases.iter().any(|case| self.is_own_variant(case)),
            syn::Pat::Paren(pattern) => return self.is_own_variant(&pattern.pat),
            syn::Pat::Reference(pattern) => return self.is_own_variant(&pattern.pat),
            _ => return false,
        };
        let owner = path.segments.iter().rev().nth(1);
        owner.is_some_and(|owner| self.own_enums.contains(&owner.ident.to_string()))
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.read_function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.read_function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.read_function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.read_type_name(&item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.read_type_name(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.read_type_name(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.read_type_name(&item.ident);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let is_wild = |arm: &&syn::Arm| matches!(arm.pat, syn::Pat::Wild(_));
        if let Some(wild) = expression.arms.iter().find(is_wild)
            && expression.arms.iter().any(|arm| self.is_own_variant(&arm.pat))
        {
            let advice = "write every variant out, so that a new one breaks the build where it matters";
            self.fault(wild.span().start().line, OWN_ENUM, advice.to_owned());
        }
        visit::visit_expr_match(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_broken_by(path: &str, text: &str) -> Vec<&'static str> {
        let house = House::of(vec![(path.to_owned(), text.to_owned())]);
        faults(&house.files[0], &own_enums(&house)).into_iter().map(|fault| fault.rule).collect()
    }

    #[test]
    fn a_good_file_has_no_fault() {
        let text =
            "//! Doc.\nenum Way { Up, Down }\nfn turn(way: Way) { match way { Way::Up => 1, Way::Down => 2 } }\n";
        assert_eq!(rules_broken_by("crates/a/src/way.rs", text), [""; 0]);
    }

    #[test]
    fn bad_shapes_are_caught() {
        let long_file = format!("//! Doc.\n{}", "\n".repeat(FILE_LINES_MAX));
        assert_eq!(rules_broken_by("a/way.rs", &long_file), ["file length"]);
        assert_eq!(rules_broken_by("a/way.rs", "// Not a doc.\n"), ["module doc"]);
        assert_eq!(rules_broken_by("a/utils.rs", "//! Doc.\n"), ["file name"]);
        let body = "\n".repeat(FUNCTION_LINES_MAX);
        assert_eq!(rules_broken_by("a/way.rs", &format!("//! Doc.\nfn go() {{{body}}}\n")), ["function length"]);
        let method = format!("//! Doc.\nimpl Way {{\n    /// Goes.\n    fn go() {{{body}}}\n}}\n");
        assert_eq!(rules_broken_by("a/way.rs", &method), ["function length"]);
    }

    #[test]
    fn a_doc_comment_does_not_lengthen_its_function() {
        let doc = "    /// Doc.\n".repeat(10);
        let body = "\n".repeat(FUNCTION_LINES_MAX - 1);
        assert_eq!(rules_broken_by("a/way.rs", &format!("//! Doc.\n{doc}fn go() {{{body}}}\n")), [""; 0]);
    }

    #[test]
    fn an_expected_text_does_not_lengthen_its_test_but_does_lengthen_a_product_function() {
        let text = format!("//! Doc.\nfn go() {{ check(\"{}\") }}\n", "\n".repeat(FUNCTION_LINES_MAX));
        assert_eq!(rules_broken_by("tests/way/go.rs", &text), [""; 0]);
        assert_eq!(rules_broken_by("crates/a/src/way.rs", &text), ["function length"]);
    }

    #[test]
    fn names_that_say_nothing_are_caught() {
        for text in ["struct TaskManager;", "enum QueueInfo {}", "trait GitService {}", "type TaskData = u8;"] {
            assert_eq!(rules_broken_by("a/way.rs", &format!("//! Doc.\n{text}\n")), ["type name"], "{text}");
        }
        for text in ["fn handle() {}", "fn do_it() {}", "fn process_queue() {}", "fn handle_event() {}"] {
            assert_eq!(rules_broken_by("a/way.rs", &format!("//! Doc.\n{text}\n")), ["function name"], "{text}");
        }
        assert_eq!(rules_broken_by("a/way.rs", "//! Doc.\nfn handle_signal() {}\nstruct Database;\n"), [""; 0]);
    }

    #[test]
    fn a_wild_arm_over_an_own_enum_is_caught_outside_tests() {
        let function = "fn f(way: Way) { match way { Way::Up | Way::Left(_) => 1, _ => 2 } }";
        let text = format!(
            "//! Doc.\nenum Way {{ Up, Down, Left(u8) }}\n{function}\n#[cfg(test)]\nmod tests {{\n{function}\n}}\n"
        );
        assert_eq!(rules_broken_by("a/way.rs", &text), [OWN_ENUM]);
        let state = text.replace("Way", "WayState");
        assert_eq!(rules_broken_by("a/way.rs", &state), [""; 0]);
        let foreign = "//! Doc.\nfn f(at: Ordering) { match at { Ordering::Less => 1, _ => 2 } }\n";
        assert_eq!(rules_broken_by("a/way.rs", foreign), [""; 0]);
    }
}
