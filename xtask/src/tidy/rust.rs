//! Just enough of Rust's lexical grammar to look at code without its comments and literals.

/// The source with every comment, string and character literal replaced by spaces. Line breaks stay, so a line of
/// the result has the number of the line it came from.
pub fn code_only(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        match literal_length(rest, out.chars().next_back()) {
            Some(length) => {
                let (literal, after) = rest.split_at(length);
                out.extend(literal.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                rest = after;
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// Octets of the comment or literal at the start of `rest`, if there is one. `before` is the character in front.
fn literal_length(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    if !before.is_some_and(is_word) {
        return raw_string(rest);
    }
    None
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if tail.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// From the opening quote to the closing one, over escapes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `'a'` and `'\n'` are literals; `'a` is a lifetime or a label.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(quoted(rest, '\''));
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

/// `r"…"`, `br#"…"#`, `cr##"…"##`.
fn raw_string(rest: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|start| rest.strip_prefix(start))?;
    let hashes = body.bytes().take_while(|&octet| octet == b'#').count();
    let content = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(rest.len() - content.len() + length)
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands in `code` as a whole word.
pub fn word_positions<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| !code[..at].ends_with(is_word) && !code[at + word.len()..].starts_with(is_word))
}

/// The number, from 1, of the line that octet `at` is on.
pub fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// A function with a body.
#[derive(Debug, PartialEq)]
pub struct Function<'a> {
    pub name: &'a str,
    pub line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub lines: usize,
}

/// Every function in `code` (from [`code_only`]), also those inside others.
pub fn functions(code: &str) -> Vec<Function<'_>> {
    word_positions(code, "fn").filter_map(|at| function(code, at)).collect()
}

fn function(code: &str, at: usize) -> Option<Function<'_>> {
    let signature = code[at + 2..].trim_start();
    let name = &signature[..signature.find(|c| !is_word(c))?];
    if name.is_empty() {
        return None; // a type: `fn(u8) -> u8`
    }
    let start = code.len() - signature.len();
    let open = start + body_start(signature)?;
    let end = open + matching_brace(&code[open..]);
    let lines = code[at..end].matches('\n').count() + 1;
    Some(Function { name, line: line_of(code, at), lines })
}

/// The brace that opens the body; none if a semicolon comes first, as in a trait.
fn body_start(signature: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Octets up to and with the brace that closes the first one.
fn matching_brace(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left, without the spaces.
    fn left(source: &str) -> String {
        code_only(source).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_vanish() {
        assert_eq!(left("a // b\nc"), "a c");
        assert_eq!(left("a /* b /* c */ d */ e"), "a e");
        assert_eq!(left(r#"a "b \" c" d"#), "a d");
        assert_eq!(left("a r#\"b \" c\"# d"), "a d");
        assert_eq!(left("a br\"\\\" d"), "a d");
        assert_eq!(left(r"a '{' '\'' '\u{7B}' '中' d"), "a d");
        assert_eq!(left("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
        assert_eq!(left("for r in bar { r }"), "for r in bar { r }");
        assert_eq!(left("let unfinished = \"abc"), "let unfinished =");
    }

    #[test]
    fn line_numbers_stay() {
        let source = "a\n/* b\nb */ c\n\"d\nd\" e\n";
        assert_eq!(code_only(source).lines().count(), source.lines().count());
        assert_eq!(line_of(&code_only(source), code_only(source).find('e').unwrap()), 5);
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(word_positions("unsafe_code unsafe not_unsafe unsafe{", "unsafe").count(), 2);
    }

    #[test]
    fn functions_are_measured() {
        let code = "trait T { fn declared(&self); }\nfn outer(x: [u8; 4], f: fn(u8)) {\n  fn inner() {}\n  { }\n}\n";
        let found = functions(code);
        assert_eq!(
            found,
            [Function { name: "outer", line: 2, lines: 4 }, Function { name: "inner", line: 3, lines: 1 },]
        );
    }
}
