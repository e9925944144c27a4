//! Which media type an asker takes: `Accept` with quality values (RFC 9110 §12.5.1).

/// Ranges of one header that are looked at.
const RANGES: usize = 64;
/// Quality 1 in thousandths.
const FULL: u32 = 1_000;

/// What an `Accept` header asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaRanges(Vec<(String, u32)>);

/// The quality in `;q=0.5`, in thousandths; 1 if none is given, 0 if it cannot be read.
pub(super) fn quality(parameters: &str) -> u32 {
    let named = |part: &str| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().to_owned())
    };
    let Some(text) = parameters.split(';').find_map(named) else { return FULL };
    let quality: f64 = text.parse().unwrap_or(0.0);
    if quality.is_finite() { (quality.clamp(0.0, 1.0) * f64::from(FULL)).round() as u32 } else { 0 }
}

impl MediaRanges {
    pub fn parse(header: &str) -> Self {
        let one = |part: &str| {
            let (range, parameters) = part.split_once(';').unwrap_or((part, ""));
            let range = range.trim().to_ascii_lowercase();
            range.contains('/').then(|| (range, quality(parameters)))
        };
        MediaRanges(header.split(',').take(RANGES).filter_map(one).collect())
    }

    /// Whether it narrows anything: an absent header and `*/*` alone do not.
    pub fn is_open(&self) -> bool {
        self.0.iter().all(|(range, quality)| range == "*/*" && *quality > 0)
    }

    /// The quality that the header gives a type by name or as `type/*`; `None` if only `*/*` or nothing covers it.
    pub fn named(&self, media_type: &str) -> Option<u32> {
        let bare = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let family = bare.split('/').next().map(|family| format!("{family}/*")).unwrap_or_default();
        let of = |wanted: &str| self.0.iter().find(|(range, _)| range == wanted).map(|(_, quality)| *quality);
        of(&bare).or_else(|| of(&family))
    }

    /// The quality that the header gives a type by its very name.
    pub fn exactly(&self, media_type: &str) -> Option<u32> {
        self.0.iter().find(|(range, _)| range == media_type).map(|(_, quality)| *quality)
    }

    /// Whether the header takes the type at all.
    pub fn takes(&self, media_type: &str) -> bool {
        let any = || self.0.iter().find(|(range, _)| range == "*/*").map(|(_, quality)| *quality);
        self.0.is_empty() || self.named(media_type).or_else(any).unwrap_or(0) > 0
    }
}

/// The type of `offered` that the header names with the highest quality, the first on a tie; none if it names none.
pub fn prefers<'a>(ranges: &MediaRanges, offered: &[&'a str]) -> Option<&'a str> {
    let weighed = offered.iter().filter_map(|media_type| Some((*media_type, ranges.named(media_type)?)));
    let heavier = |best: Option<(&'a str, u32)>, next: (&'a str, u32)| match best {
        Some(best) if best.1 >= next.1 => Some(best),
        _ => Some(next),
    };
    weighed.filter(|(_, quality)| *quality > 0).fold(None, heavier).map(|(media_type, _)| media_type)
}
