//! Link types: which spellings are one type, and which are known (GS1 Web Vocabulary 1.16).

/// Where the GS1 link types live, as a linkset names them.
pub const VOCABULARY: &str = "https://ref.gs1.org/voc/";
/// Other spellings of the same vocabulary.
const SPELLINGS: [&str; 7] = [
    "gs1:",
    "https://ref.gs1.org/voc/",
    "https://gs1.org/voc/",
    "https://www.gs1.org/voc/",
    "http://ref.gs1.org/voc/",
    "http://gs1.org/voc/",
    "http://www.gs1.org/voc/",
];

pub const PIP: &str = "gs1:pip";
/// The one link that a request without a link type goes to.
pub const DEFAULT_LINK: &str = "gs1:defaultLink";
/// Its variants by language, media type or context.
pub const DEFAULT_LINK_MULTI: &str = "gs1:defaultLinkMulti";
/// Another resolver that answers instead.
pub const HANDLED_BY: &str = "gs1:handledBy";
/// What asks for the list of links instead of one of them.
pub const LINKSET_MEMBER: [&str; 2] = ["linkset", "all"];

/// Link types of the GS1 Web Vocabulary, those of restricted use and the deprecated one among them.
pub const KNOWN: [&str; 60] = [
    "activityIdeas",
    "allergenInfo",
    "appDownload",
    "backgroundInfo",
    "brandHomepageClinical",
    "brandHomepagePatient",
    "careersInfo",
    "certificationInfo",
    "consumerHandlingStorageInfo",
    "defaultLink",
    "defaultLinkMulti",
    "dpp",
    "eifu",
    "epcis",
    "epil",
    "eventsInfo",
    "faqs",
    "handledBy",
    "hasRetailers",
    "homepage",
    "ingredientsInfo",
    "instructions",
    "jws",
    "leaveReview",
    "locationInfo",
    "logisticsInfo",
    "loyaltyProgram",
    "masterData",
    "menuInfo",
    "nutritionalInfo",
    "openingHoursInfo",
    "paymentLink",
    "pip",
    "productSustainabilityInfo",
    "promotion",
    "purchaseSuppliesOrAccessories",
    "quickStartGuide",
    "recallStatus",
    "recipeInfo",
    "registerProduct",
    "registryEntry",
    "relatedImage",
    "relatedVideo",
    "reportFound",
    "review",
    "safetyInfo",
    "scheduleTime",
    "serviceInfo",
    "smartLabel",
    "smpc",
    "socialMedia",
    "statisticInfo",
    "subscribe",
    "support",
    "sustainabilityInfo",
    "traceability",
    "tutorial",
    "userAgreement",
    "verificationService",
    "whatsInTheBox",
];

/// The one spelling under which link types are compared: `gs1:…` for the GS1 vocabulary, else the text itself.
pub fn curie(text: &str) -> String {
    let name = SPELLINGS.iter().find_map(|start| text.strip_prefix(start));
    name.map_or_else(|| text.to_owned(), |name| format!("gs1:{name}"))
}

/// The absolute URI of a type of the GS1 vocabulary; any other type as it is.
pub fn iri(link_type: &str) -> String {
    match link_type.strip_prefix("gs1:") {
        Some(name) => format!("{VOCABULARY}{name}"),
        None => link_type.to_owned(),
    }
}

/// Whether a text can be the type of a link in a linkset: `gs1:` and a name, an absolute URI of letters, digits,
/// `.` and `/`, or an IANA relation of lower-case letters and `-` (RFC 9264; GS1 linkset schema).
pub fn is_link(text: &str) -> bool {
    let text = curie(text);
    let within = |text: &str, also: &[u8]| {
        !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || also.contains(&octet))
    };
    if let Some(name) = text.strip_prefix("gs1:") {
        return within(name, b"");
    }
    if let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
        return within(rest, b"./_");
    }
    // These two are members of their own in a context object.
    let own = ["anchor", "description"].contains(&text.as_str());
    !own && !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-')
}
