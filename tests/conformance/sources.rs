//! Every SQL text of the product, read from its sources: a list that nobody has to keep.

use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The texts of one file, by its path below `crates/`, as they are given to the database.
pub fn statements_in(path: &str) -> Vec<String> {
    let source = std::fs::read_to_string(crates().join(path)).unwrap();
    let mut found = Statements(Vec::new());
    found.visit_file(&syn::parse_file(&source).unwrap_or_else(|why| panic!("{path}: {why}")));
    found.0
}

/// The texts of all crates, each with its file. The dialects of `store/src/db.rs` and `schema.rs` are not among them: each
/// is for one database alone, and every case, or a case of its own, runs them.
pub fn statements() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(crates()).unwrap() {
        rust_files(&entry.unwrap().path().join("src"), &mut paths);
    }
    let below = |path: &PathBuf| path.strip_prefix(crates()).unwrap().to_string_lossy().into_owned();
    let portable =
        paths.iter().map(below).filter(|path| !["store/src/db.rs", "store/src/schema.rs"].contains(&path.as_str()));
    portable.flat_map(|path| statements_in(&path).into_iter().map(move |sql| (path.clone(), sql))).collect()
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates")
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

struct Statements(Vec<String>);

impl<'ast> Visit<'ast> for Statements {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        let text = literal.value();
        if ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "].iter().any(|verb| text.starts_with(verb)) {
            self.0.push(text);
        }
    }
}
