//! The target of a redirect: variables put in, the query of the request passed on.

/// Octets of a target after substitution; a longer one is left as it was.
const TARGET_OCTETS: usize = 16_384;

/// Puts values in the place of `{name}`; what is not bound stays. Values are percent-encoded, since they come from
/// the request.
pub fn substitute(href: &str, bound: &[(String, String)]) -> String {
    let mut out = String::with_capacity(href.len());
    let mut rest = href;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}').map(|at| open + at) else { break };
        let name = &rest[open + 1..close];
        out.push_str(&rest[..open]);
        match bound.iter().find(|(own, _)| own == name) {
            Some((_, value)) => encode(value, &mut out),
            None => out.push_str(&rest[open..=close]),
        }
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    if out.len() > TARGET_OCTETS { href.to_owned() } else { out }
}

fn encode(value: &str, out: &mut String) {
    for octet in value.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(octet)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
}

/// The target with the pairs of a request's query behind its own, before its fragment.
pub fn forward(href: &str, query: &str) -> String {
    let query = query.trim_matches('&');
    if query.is_empty() {
        return href.to_owned();
    }
    let (front, fragment) = match href.split_once('#') {
        Some((front, fragment)) => (front, format!("#{fragment}")),
        None => (href, String::new()),
    };
    let joint = match front.split_once('?') {
        None => "?",
        Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{front}{joint}{query}{fragment}")
}
