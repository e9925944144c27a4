//! Domain names of public services: letters, digits, hyphens, or Unicode that becomes such (UTS #46).

use super::Reach;
use hufu_ident::Refusal;

const CLAUSE: &str = "RFC 1123 §2.1";
/// RFC 1035 §2.3.4, in octets of the A-labels.
const LABEL_OCTETS: usize = 63;
const NAME_OCTETS: usize = 253;
/// What a text may have before it is looked at; four octets for every octet of a name.
const TEXT_OCTETS: usize = 4 * NAME_OCTETS;
/// Top-level labels that no public resolver answers (RFC 2606, 6761, 6762, 7686, 9476; ICANN on `internal`).
const SPECIAL: [&str; 9] = ["alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"];

/// The name as A-labels in small letters, without a final dot; or why it is no name.
pub fn parse(text: &str, reach: Reach) -> Result<String, Refusal> {
    if text.len() > TEXT_OCTETS {
        return Err(too_long());
    }
    // The dots that UTS #46 takes as separators.
    let text = text.trim().strip_suffix(['.', '。', '．', '｡']).unwrap_or(text.trim());
    let mut at = 0;
    let mut labels = Vec::new();
    for label in text.split(['.', '。', '．', '｡']) {
        labels.push(parse_label(label).map_err(|refusal| refusal.shifted(at))?);
        at += label.chars().count() + 1;
    }
    let name = labels.join(".");
    if name.len() > NAME_OCTETS {
        return Err(too_long());
    }
    let top = labels.last().map(String::as_str).unwrap_or_default();
    let begins = text.chars().count() - text.rsplit(['.', '。', '．', '｡']).next().unwrap_or_default().chars().count();
    if labels.len() < 2 {
        let (zh, en) = ("域名至少有两级，如example.cn", "a domain name has two labels at least");
        return Err(Refusal::new("domain-labels", "our profile", zh, en).at(0));
    }
    if top.bytes().all(|octet| octet.is_ascii_digit()) {
        let (zh, en) = ("域名的最后一级不能全是数字", "the last label cannot be a number");
        return Err(Refusal::new("domain-top", "RFC 1123 §2.1", zh, en).at(begins));
    }
    if reach == Reach::Public && SPECIAL.contains(&top) {
        let (zh, en) =
            (format!("“.{top}”不是公网域名"), format!("names below “.{top}” do not exist on the public internet"));
        return Err(Refusal::new("domain-special", "RFC 6761", zh, en).at(begins));
    }
    Ok(name)
}

/// A label as A-label in small letters.
fn parse_label(label: &str) -> Result<String, Refusal> {
    if label.is_empty() {
        let (zh, en) = ("域名里有空的一级", "a label is empty");
        return Err(Refusal::new("domain-empty", CLAUSE, zh, en).at(0));
    }
    let ascii = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if let Some(at) = label.chars().position(|c| c.is_ascii() && !ascii(c)) {
        let (zh, en) = ("域名只能使用字母、数字、连字符和汉字等文字", "letters, digits and hyphens only");
        return Err(Refusal::new("domain-character", CLAUSE, zh, en).at(at));
    }
    if label.starts_with('-') || label.ends_with('-') {
        let at = if label.starts_with('-') { 0 } else { label.chars().count() - 1 };
        let (zh, en) = ("连字符不能在一级的首尾", "a label neither begins nor ends with a hyphen");
        return Err(Refusal::new("domain-hyphen", CLAUSE, zh, en).at(at));
    }
    let encoded = idna::domain_to_ascii(label).ok().filter(|encoded| encoded.chars().all(ascii) && !encoded.is_empty());
    let Some(encoded) = encoded else {
        let (zh, en) = ("这一级不是有效的国际化域名", "the label is no internationalised label");
        return Err(Refusal::new("domain-idn", "UTS #46", zh, en).at(0));
    };
    // The third and fourth place tell A-labels; anything else there is reserved (RFC 5890 §2.3.1).
    if encoded.get(2..4) == Some("--") && !encoded.starts_with("xn--") {
        let (zh, en) = ("第3、4位不能是连字符", "the third and fourth character cannot be hyphens");
        return Err(Refusal::new("domain-hyphen", "RFC 5890 §2.3.1", zh, en).at(2));
    }
    if encoded.len() > LABEL_OCTETS {
        let zh = format!("域名的一级超过{LABEL_OCTETS}个字节");
        let en = format!("a label has more than {LABEL_OCTETS} octets");
        return Err(Refusal::new("domain-length", "RFC 1035 §2.3.4", zh, en).at(0));
    }
    Ok(encoded)
}

fn too_long() -> Refusal {
    let zh = format!("域名超过{NAME_OCTETS}个字节");
    Refusal::new("domain-length", "RFC 1035 §2.3.4", zh, format!("a domain name has at most {NAME_OCTETS} octets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_a_labels() {
        for (text, name) in [
            ("Example.CN", "example.cn"),
            ("www.example.com.", "www.example.com"),
            ("例子。中国", "xn--fsqu00a.xn--fiqs8s"),
            ("xn--fsqu00a.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s"),
            ("ＡＢＣ.cn", "abc.cn"),
            ("1.a-b.3com.net", "1.a-b.3com.net"),
        ] {
            assert_eq!(parse(text, Reach::Public).unwrap(), name, "{text}");
        }
        assert_eq!(parse("node.internal", Reach::Anywhere).unwrap(), "node.internal");
        let longest = format!("{}.{}.cn", "a".repeat(63), "b".repeat(63));
        assert_eq!(parse(&longest, Reach::Public).unwrap(), longest);
    }

    #[test]
    fn what_is_refused_and_where() {
        for (text, code, at) in [
            ("", "domain-empty", Some(0)),
            ("cn", "domain-labels", Some(0)),
            ("a..cn", "domain-empty", Some(2)),
            (".cn", "domain-empty", Some(0)),
            ("a_b.cn", "domain-character", Some(1)),
            ("http://a.cn", "domain-character", Some(4)),
            ("x.a b.cn", "domain-character", Some(3)),
            ("x.-a.cn", "domain-hyphen", Some(2)),
            ("x.ab-.cn", "domain-hyphen", Some(4)),
            ("ab--c.cn", "domain-hyphen", Some(2)),
            ("192.0.2.1", "domain-top", Some(8)),
            ("x.local", "domain-special", Some(2)),
            ("a.xn--a.cn", "domain-idn", Some(2)),
            ("xn--zzzzzzzzzzzz99999999.cn", "domain-idn", Some(0)),
        ] {
            let refusal = parse(text, Reach::Public).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, at), "{text}");
        }
        let label = format!("{}.cn", "a".repeat(64));
        assert_eq!(parse(&label, Reach::Public).unwrap_err().code, "domain-length");
        let name = format!("{}cn", "ab.".repeat(100));
        assert_eq!(parse(&name, Reach::Public).unwrap_err().code, "domain-length");
        assert_eq!(parse(&"a".repeat(1 << 20), Reach::Public).unwrap_err().code, "domain-length");
    }
}
