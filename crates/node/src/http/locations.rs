//! Where a redirect goes: plain URLs and 10320/loc, the XML that lists several places and how to choose.
//!
//! Only http, https and ftp targets are followed, and a target never carries a control character.

use hufu_ident::ValueSet;
use ipnet::IpNet;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::net::IpAddr;

/// A parsed 10320/loc value.
#[derive(Debug, Clone, PartialEq)]
pub struct Locations {
    steps: Vec<Step>,
    list: Vec<Location>,
    /// Weight of the plain URL values that stand next to it; 0 unless the root says otherwise.
    url_weight: f64,
    /// Plain URL values take no part.
    pub no_legacy: bool,
    /// The locations of the namespace take no part.
    pub no_nslocs: bool,
}

/// One place, as its attributes say; `locatt` may ask for any of them.
#[derive(Debug, Clone, PartialEq, Default)]
struct Location {
    attributes: Vec<(String, String)>,
}

/// One way to narrow the list down.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Attributes,
    Address,
    Country,
    Score,
    Weighted,
}

/// What is known of whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `locatt=key:value`, or `locatt=key` for any value.
    pub locatt: Vec<(String, Option<String>)>,
    /// Two letters.
    pub country: Option<String>,
    pub client: Option<IpAddr>,
    /// The client asks for another format than a page (content negotiation).
    pub accept_conneg: bool,
}

/// Where to go, and with which status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub href: String,
    pub status: u16,
}

const DEFAULT_STEPS: [Step; 5] = [Step::Attributes, Step::Address, Step::Country, Step::Score, Step::Weighted];
const DEFAULT_STATUS: u16 = 302;
/// Conditions of one request that are heeded.
const LOCATT: usize = 16;

impl Locations {
    /// No locations of its own, so that only plain URLs take part.
    pub fn none() -> Self {
        Locations { steps: DEFAULT_STEPS.into(), list: Vec::new(), url_weight: 0.0, no_legacy: false, no_nslocs: false }
    }

    /// Reads the XML; none when it is not well-formed or its root is not `locations`.
    pub fn parse(xml: &str) -> Option<Self> {
        let mut reader = Reader::from_str(xml);
        let mut found: Option<Locations> = None;
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) | Event::Empty(tag) => match &mut found {
                    None if tag.local_name().as_ref() == b"locations" => found = Some(Locations::root(&tag)?),
                    None => return None,
                    Some(locations) if tag.local_name().as_ref() == b"location" => {
                        locations.list.push(Location { attributes: attributes(&tag)? });
                    }
                    Some(_) => {}
                },
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    fn root(tag: &BytesStart<'_>) -> Option<Self> {
        let root = Location { attributes: attributes(tag)? };
        let steps = root.get("choose_by").or_else(|| root.get("chooseby"));
        let step = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
            "locatt" => Some(Step::Attributes),
            "address" => Some(Step::Address),
            "country" => Some(Step::Country),
            "score" => Some(Step::Score),
            "weighted" => Some(Step::Weighted),
            _ => None,
        };
        let flag = |name| root.get(name).is_some_and(|value| !matches!(value, "0" | "false" | "no"));
        Some(Locations {
            steps: steps.map_or(DEFAULT_STEPS.into(), |steps| steps.split(',').filter_map(step).collect()),
            list: Vec::new(),
            url_weight: root.number("urlWeight").unwrap_or(0.0),
            no_legacy: flag("no_legacy"),
            no_nslocs: flag("no_nslocs"),
        })
    }

    /// Adds the locations of another value, such as the namespace's.
    pub fn add(&mut self, other: Locations) {
        self.list.extend(other.list);
    }

    /// Whether the choice depends on the `Accept` header.
    pub fn negotiates(&self) -> bool {
        self.list.iter().any(|location| location.has_role("conneg"))
    }
}

impl Location {
    fn of_url(url: &str, weight: f64) -> Self {
        let attributes = vec![("href".into(), url.into()), ("weight".into(), weight.to_string())];
        Location { attributes }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn weight(&self) -> f64 {
        self.number("weight").unwrap_or(1.0).max(0.0)
    }

    fn score(&self) -> f64 {
        self.number("score").unwrap_or(0.0)
    }

    fn has_role(&self, role: &str) -> bool {
        let roles = self.get("http_role").unwrap_or_default();
        roles.split([',', ' ']).any(|one| one.eq_ignore_ascii_case(role))
    }

    fn covers(&self, client: IpAddr) -> bool {
        let holds = |range: &str| match range.trim().parse::<IpNet>() {
            Ok(range) => range.contains(&client),
            Err(_) => range.trim().parse() == Ok(client),
        };
        self.get("addresses").is_some_and(|ranges| ranges.split(',').any(holds))
    }

    fn status(&self) -> u16 {
        let status = self.get("http_sc").and_then(|code| code.trim().parse().ok());
        status.filter(|code| matches!(code, 301 | 302 | 303 | 307 | 308)).unwrap_or(DEFAULT_STATUS)
    }

    fn choice(&self, name: &str) -> Option<Choice> {
        let href = match self.get("href") {
            Some(href) => href.to_owned(),
            None => {
                let component = utf8_percent_encode(name, COMPONENT).to_string();
                let path = utf8_percent_encode(name, PATH).to_string();
                self.get("href_template")?.replace("{hdl:path}", &path).replace("{hdl}", &component)
            }
        };
        Some(Choice { href: target(&href)?, status: self.status() })
    }
}

/// Chooses a place for `name`. `legacy_urls` are its plain URL values; `draw` is a random number in [0, 1).
pub fn choose(
    locations: &Locations,
    name: &str,
    request: &Request,
    legacy_urls: &[String],
    draw: f64,
) -> Option<Choice> {
    let legacy: &[String] = if locations.no_legacy { &[] } else { legacy_urls };
    let legacy: Vec<_> = legacy.iter().map(|url| Location::of_url(url, locations.url_weight)).collect();
    let mut left: Vec<&Location> = locations.list.iter().chain(&legacy).collect();
    left.retain(|location| location.choice(name).is_some());
    keep(&mut left, |location| location.has_role("conneg") == request.accept_conneg);
    if request.accept_conneg {
        keep(&mut left, |location| !location.has_role("browser") && !location.has_role("no_conneg"));
    }
    for step in &locations.steps {
        match left.as_slice() {
            [] => return None,
            [only] => return only.choice(name),
            _ => apply(*step, &mut left, request, draw),
        }
    }
    drawn(&left, draw)?.choice(name)
}

fn apply(step: Step, left: &mut Vec<&Location>, request: &Request, draw: f64) {
    match step {
        Step::Attributes => {
            for (key, value) in request.locatt.iter().take(LOCATT) {
                let wanted = |found: &str| value.as_deref().is_none_or(|value| value == found);
                keep(left, |location| location.get(key).is_some_and(wanted));
            }
        }
        Step::Address => {
            if let Some(client) = request.client {
                keep(left, |location| location.covers(client.to_canonical()));
            }
        }
        Step::Country => {
            if let Some(country) = &request.country {
                let same = |own: &str| own.trim().eq_ignore_ascii_case(country.trim());
                keep(left, |location| location.get("country").is_some_and(same));
            }
        }
        Step::Score => {
            let best = left.iter().map(|location| location.score()).fold(f64::NEG_INFINITY, f64::max);
            keep(left, |location| location.score() >= best);
        }
        Step::Weighted => *left = drawn(left, draw).into_iter().collect(),
    }
}

/// Narrows the list down; a condition that nobody meets changes nothing.
fn keep(left: &mut Vec<&Location>, condition: impl Fn(&Location) -> bool) {
    if left.iter().any(|location| condition(location)) {
        left.retain(|location| condition(location));
    }
}

/// Draws by weight, and evenly where nothing has any.
fn drawn<'a>(left: &[&'a Location], draw: f64) -> Option<&'a Location> {
    let total: f64 = left.iter().map(|location| location.weight()).sum();
    if !(total > 0.0 && total.is_finite()) {
        let at = (draw.clamp(0.0, 1.0) * left.len() as f64) as usize;
        return left.get(at).or(left.last()).copied();
    }
    let mut rest = draw.clamp(0.0, 1.0) * total;
    let mut weighty = left.iter().filter(|location| location.weight() > 0.0).copied();
    let last = weighty.clone().last();
    let hit = weighty.find(|location| {
        rest -= location.weight();
        rest < 0.0
    });
    hit.or(last)
}

/// The attributes of a tag; of two with the same name the first counts. (The reader's own check for such pairs
/// takes time by the square of their number.)
fn attributes(tag: &BytesStart<'_>) -> Option<Vec<(String, String)>> {
    let one = |attribute: Result<quick_xml::events::attributes::Attribute<'_>, _>| {
        let attribute = attribute.ok()?;
        let key = String::from_utf8(attribute.key.local_name().as_ref().to_vec()).ok()?;
        Some((key, attribute.unescape_value().ok()?.into_owned()))
    };
    tag.attributes().with_checks(false).map(one).collect()
}

/// The URLs of a record: values of type URL in order, then those of its sub-types (`URL.x`).
pub fn urls(values: &ValueSet) -> Vec<String> {
    let of = |wanted: fn(&[u8]) -> bool| {
        let texts = values.iter().filter(move |value| wanted(value.kind));
        texts.filter_map(|value| String::from_utf8(value.data.to_vec()).ok())
    };
    let plain = |kind: &[u8]| kind.eq_ignore_ascii_case(b"URL") || kind.eq_ignore_ascii_case(b"0.TYPE/URL");
    let sub = |kind: &[u8]| kind.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"URL."));
    of(plain).chain(of(sub)).collect()
}

/// All places as XML, the plain URLs among them (`?action=showurls`).
pub fn to_xml(locations: &Locations, urls: &[String]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<locations>\n");
    let mut add = |attributes: &[(String, String)]| {
        xml.push_str("  <location");
        for (name, value) in attributes {
            xml.push_str(&format!(" {}=\"{}\"", name, quick_xml::escape::escape(value.as_str())));
        }
        xml.push_str("/>\n");
    };
    locations.list.iter().for_each(|location| add(&location.attributes));
    urls.iter().for_each(|url| add(&[("href".to_owned(), url.clone())]));
    xml.push_str("</locations>\n");
    xml
}

/// Everything but RFC 3986 unreserved characters is escaped in a component; a path keeps its slashes.
pub(super) const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
pub(super) const PATH: &AsciiSet = &COMPONENT.remove(b'/');
/// What may not stand in a header or a URL as it is; everything beyond ASCII is escaped anyway.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'\\');

/// A URL that may be followed, as ASCII: http, https or ftp with a host, no control characters.
pub fn target(url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://")?;
    let followed = ["http", "https", "ftp"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let host = rest.starts_with(|c: char| !matches!(c, '/' | '?' | '#' | '\\') && !c.is_whitespace());
    (followed && host && !url.chars().any(char::is_control)).then(|| utf8_percent_encode(url, UNSAFE).to_string())
}

/// Appends to a target (`?urlappend=`, already percent-decoded). What is appended cannot change the host: a
/// target that ends with its host gets a slash first.
pub fn urlappend(target: &str, addition: &str) -> Option<String> {
    let (_, rest) = target.split_once("://")?;
    let only_host = !rest.contains(['/', '?', '#']);
    let slash = if only_host && !addition.is_empty() && !addition.starts_with(['/', '?', '#']) { "/" } else { "" };
    self::target(&format!("{target}{slash}{addition}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(xml: &str, request: &Request, legacy: &[&str], draw: f64) -> String {
        let legacy: Vec<String> = legacy.iter().map(|url| (*url).to_owned()).collect();
        let choice = choose(&Locations::parse(xml).unwrap(), "10.1/a b/c", request, &legacy, draw);
        choice.map_or("none".into(), |choice| format!("{} {}", choice.status, choice.href))
    }

    fn asking(locatt: &[(&str, Option<&str>)]) -> Request {
        let owned = locatt.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)));
        Request { locatt: owned.collect(), ..Request::default() }
    }

    #[test]
    fn locatt_names_a_location_and_a_miss_changes_nothing() {
        let xml = r#"<locations chooseby="locatt,country,weighted"><location id="0" href="https://a.example/" weight="1" country="gb"/><location id="1" href="https://b.example/" weight="0" label="B"/></locations>"#;
        let legacy = ["https://fallback.example/"];
        assert_eq!(pick(xml, &asking(&[("id", Some("1"))]), &legacy, 0.5), "302 https://b.example/");
        assert_eq!(pick(xml, &asking(&[("label", None)]), &legacy, 0.5), "302 https://b.example/");
        assert_eq!(pick(xml, &asking(&[("id", Some("7"))]), &legacy, 0.99), "302 https://a.example/");
    }

    #[test]
    fn address_country_score_and_weight_choose_in_turn() {
        let xml = r#"<locations>
            <location href="https://in.example/" addresses="10.0.0.0/8, 192.0.2.7"/>
            <location href="https://cn.example/" country="CN"/>
            <location href="https://best.example/" score="0.5" weight="3"/>
            <location href="https://other.example/" score="0.5" weight="1"/></locations>"#;
        let from = |client: &str| Request { client: client.parse().ok(), ..Request::default() };
        assert_eq!(pick(xml, &from("::ffff:10.1.2.3"), &[], 0.0), "302 https://in.example/");
        assert_eq!(pick(xml, &from("192.0.2.7"), &[], 0.0), "302 https://in.example/");
        let chinese = Request { country: Some("cn".into()), ..Request::default() };
        assert_eq!(pick(xml, &chinese, &[], 0.0), "302 https://cn.example/");
        assert_eq!(pick(xml, &Request::default(), &[], 0.74), "302 https://best.example/");
        assert_eq!(pick(xml, &Request::default(), &[], 0.76), "302 https://other.example/");
    }

    #[test]
    fn weights_of_zero_are_drawn_evenly() {
        let xml =
            r#"<locations><location href="http://a/" weight="0"/><location href="http://b/" weight="-4"/></locations>"#;
        assert_eq!(pick(xml, &Request::default(), &[], 0.4), "302 http://a/");
        assert_eq!(pick(xml, &Request::default(), &[], 0.6), "302 http://b/");
        assert_eq!(pick(xml, &Request::default(), &[], f64::NAN), "302 http://a/");
    }

    #[test]
    fn templates_name_the_identifier_and_roles_the_client() {
        let xml = r#"<locations><location href_template="https://d.example/{hdl}?p={hdl:path}&amp;x=1" http_role="conneg" http_sc="303"/>
            <location href="https://page.example/" http_sc="200"/></locations>"#;
        assert!(Locations::parse(xml).unwrap().negotiates());
        assert_eq!(pick(xml, &Request::default(), &[], 0.0), "302 https://page.example/");
        let machine = Request { accept_conneg: true, ..Request::default() };
        assert_eq!(pick(xml, &machine, &[], 0.0), "303 https://d.example/10.1%2Fa%20b%2Fc?p=10.1/a%20b/c&x=1");
    }

    #[test]
    fn unsafe_targets_are_never_chosen() {
        let xml = r#"<locations><location href="javascript:alert(1)"/><location href="https://a/&#13;&#10;X: y"/></locations>"#;
        assert_eq!(pick(xml, &Request::default(), &[], 0.0), "none");
        assert_eq!(pick(xml, &Request::default(), &["http://plain/"], 0.0), "302 http://plain/");
        assert_eq!(target("mailto:a@b"), None);
        assert_eq!(target("https:///x"), None);
        assert_eq!(target(" HTTPS://例.example/a b "), Some("HTTPS://%E4%BE%8B.example/a%20b".into()));
    }

    #[test]
    fn broken_xml_is_no_list() {
        for xml in ["", "<locations>", "<locations><location></locations>", "<other/>", "<locations a=b/>", "text"] {
            let found = Locations::parse(xml);
            assert!(found.is_none() || found.unwrap().list.is_empty(), "{xml}");
        }
        assert!(choose(&Locations::none(), "a", &Request::default(), &["http://p/".into()], 0.1).is_some());
    }

    #[test]
    fn an_appended_text_cannot_change_the_host() {
        assert_eq!(urlappend("https://a.example/one", "?a=b").unwrap(), "https://a.example/one?a=b");
        assert_eq!(urlappend("https://a.example", ".evil.example").unwrap(), "https://a.example/.evil.example");
        assert_eq!(urlappend("https://a.example", "?q").unwrap(), "https://a.example?q");
        assert_eq!(urlappend("https://a.example/", "x\r\ny"), None);
    }
}
