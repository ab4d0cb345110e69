//! A file as a flat list of words and signs, without comments, so that a rule looks for what is written and is not
//! misled by what is spoken of.

use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One word, sign or literal with its line.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The tokens of a Rust text; none when it is not Rust. `::`, `=>` and the like are one token.
pub fn tokens_of(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    if let Ok(stream) = TokenStream::from_str(text) {
        flatten(stream, &mut tokens);
    }
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut joint = false;
    for tree in stream {
        let line = tree.span().start().line;
        let joined = std::mem::take(&mut joint);
        match tree {
            TokenTree::Group(group) if is_doc(&group) => drop(tokens.pop()),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                tokens.push(Token { text: open.to_owned(), line });
                flatten(group.stream(), tokens);
                tokens.push(Token { text: close.to_owned(), line: group.span_close().start().line });
            }
            TokenTree::Punct(punct) => {
                joint = punct.spacing() == Spacing::Joint;
                match tokens.last_mut() {
                    Some(last) if joined => last.text.push(punct.as_char()),
                    _ => tokens.push(Token { text: punct.as_char().to_string(), line }),
                }
            }
            TokenTree::Ident(ident) => tokens.push(Token { text: ident.to_string(), line }),
            TokenTree::Literal(literal) => tokens.push(Token { text: literal.to_string(), line }),
        }
    }
}

/// A comment for readers of the documentation arrives as `#[doc = "..."]`.
fn is_doc(group: &proc_macro2::Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && first.is_some_and(|tree| tree.to_string() == "doc")
}

/// The lines on which these tokens follow one another, written with spaces: `"tokio :: spawn"`.
pub fn lines_with<'t>(tokens: &'t [Token], pattern: &str) -> impl Iterator<Item = usize> + 't {
    let wanted: Vec<String> = pattern.split(' ').map(str::to_owned).collect();
    let fits = move |window: &[Token]| window.iter().zip(&wanted).all(|(token, wanted)| token.text == *wanted);
    let length = pattern.split(' ').count();
    tokens.windows(length).filter(move |window| fits(window)).map(|window| window[0].line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_not_code_and_paths_are_found_over_lines() {
        let tokens = tokens_of(
            "//! tokio::spawn\n/// tokio::spawn\nfn f() {\n    tokio::\n        spawn(g); // tokio::spawn\n}",
        );
        assert_eq!(lines_with(&tokens, "tokio :: spawn").collect::<Vec<_>>(), [4]);
    }
}
