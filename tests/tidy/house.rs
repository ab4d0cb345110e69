//! The files of the repository, and which of them are tests.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;

use syn::spanned::Spanned;

use crate::tokens::{Token, tokens_of};

/// Every text file of the repository.
pub struct House {
    pub files: Vec<File>,
}

/// One text file, by its path from the repository's root.
pub struct File {
    pub path: String,
    pub text: String,
    /// What only tests use: an integration test, or a module that its parent compiles for tests.
    pub is_test: bool,
    tokens: OnceCell<Vec<Token>>,
    syntax: OnceCell<Option<syn::File>>,
}

impl House {
    /// Reads what git tracks or would track.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository");
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(root)
            .output()
            .expect("git lists the files");
        assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let paths = String::from_utf8(listed.stdout).expect("paths are UTF-8");
        // A file may be deleted and not yet committed as such, and a picture is no text: both are passed over.
        // A picture is there, and has no words.
        let picture = |path: &str| (path.ends_with(".png") && root.join(path).is_file()).then(String::new);
        let text = |path: &str| std::fs::read_to_string(root.join(path)).ok().or_else(|| picture(path));
        let read = |path: &str| Some((path.to_owned(), text(path)?));
        Self::of(paths.split_terminator('\0').filter_map(read).collect())
    }

    /// A house of these files; tests of rules are written with it.
    pub fn of(files: Vec<(String, String)>) -> Self {
        let mut files: Vec<File> = files.into_iter().map(|(path, text)| File::new(path, text)).collect();
        let test_modules: BTreeSet<String> = files.iter().flat_map(File::test_modules).collect();
        for file in &mut files {
            let stem = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
            file.is_test |= test_modules.iter().any(|module| stem == module || stem.starts_with(&format!("{module}/")));
        }
        Self { files }
    }

    pub fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a file or a folder of this path is there.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let is_test = path.starts_with("tests/") || path.contains("/tests/");
        Self { path, text, is_test, tokens: OnceCell::new(), syntax: OnceCell::new() }
    }

    /// The parsed file; text that is not Rust is the compiler's to complain of.
    pub fn syntax(&self) -> Option<&syn::File> {
        self.syntax.get_or_init(|| syn::parse_file(&self.text).ok()).as_ref()
    }

    /// The file's words and signs.
    pub fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| tokens_of(&self.text))
    }

    /// Whether only tests use this line.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.is_test || self.test_lines().iter().any(|lines| lines.contains(&line))
    }

    fn test_lines(&self) -> Vec<RangeInclusive<usize>> {
        self.items().iter().filter_map(test_module).map(|module| line_range(module.span())).collect()
    }

    fn items(&self) -> &[syn::Item] {
        self.syntax().map_or(&[], |file| &file.items)
    }

    /// The module paths, without `.rs`, that this file compiles for tests only.
    fn test_modules(&self) -> Vec<String> {
        if !self.path.ends_with(".rs") || !self.text.contains("cfg(test)") {
            return Vec::new();
        }
        let outside = self.items().iter().filter_map(test_module).filter(|module| module.content.is_none());
        outside.map(|module| format!("{}/{}", self.module_folder(), module.ident)).collect()
    }

    /// Where the files of this file's modules lie.
    fn module_folder(&self) -> &str {
        let stem = self.path.trim_end_matches(".rs");
        ["/mod", "/lib", "/main"].iter().find_map(|root| stem.strip_suffix(root)).unwrap_or(stem)
    }
}

pub fn line_range(span: proc_macro2::Span) -> RangeInclusive<usize> {
    span.start().line..=span.end().line
}

/// The item, when it is a module under exactly `#[cfg(test)]`.
fn test_module(item: &syn::Item) -> Option<&syn::ItemMod> {
    let syn::Item::Mod(module) = item else { return None };
    let is_test_only = |attribute: &syn::Attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "test")
    };
    module.attrs.iter().any(is_test_only).then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_their_folder_and_by_their_parent() {
        let files = [
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod laws;\nmod work;"),
            ("crates/a/src/laws.rs", ""),
            ("crates/a/src/work.rs", "fn f() {}\n#[cfg(test)]\nmod deep;\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}"),
            ("crates/a/src/work/deep/mod.rs", ""),
            ("crates/a/tests/all.rs", ""),
            ("tests/scenarios/main.rs", ""),
        ];
        let house = House::of(files.map(|(path, text)| (path.to_owned(), text.to_owned())).into());
        let tests: Vec<&str> = house.files.iter().filter(|file| file.is_test).map(|file| file.path.as_str()).collect();
        assert_eq!(
            tests,
            [
                "crates/a/src/laws.rs",
                "crates/a/src/work/deep/mod.rs",
                "crates/a/tests/all.rs",
                "tests/scenarios/main.rs"
            ]
        );
        let work = house.file("crates/a/src/work.rs").unwrap();
        assert_eq!(work.test_lines(), [2..=3, 4..=7]);
        assert!(!work.is_test_line(1) && work.is_test_line(5));
    }
}
