//! One thing, five codes: the engine maker's sample engine under GS1, OID, Ecode and DID beside its VAA identifier.
//!
//! The GS1 prefix is of the range that GS1 keeps for demonstrations, the OIDs are below 2.999, the arc for examples.

use super::ENGINES;
use super::sheet::{Sheet, Site};
use hufu_ident::Value;
use hufu_ident::mapping::SAME_AS;

/// Prefixes of other systems, where they are homed (by a prefix that is homed there too), and who delegates them.
pub const DELEGATIONS: [Delegation; 8] = [
    Delegation { prefix: "gs1:952", home: "88", parent: "0.NA" },
    Delegation { prefix: "oid:2.999", home: "88", parent: "0.NA" },
    Delegation { prefix: "ecode:", home: "88", parent: "0.NA" },
    Delegation { prefix: "did:bid", home: "88", parent: "0.NA" },
    Delegation { prefix: "oid:2.999.118", home: "88.118", parent: "oid:2.999" },
    Delegation { prefix: "gs1:9521321", home: "88.118.8", parent: "gs1:952" },
    Delegation { prefix: "oid:2.999.118.8", home: "88.118.8", parent: "oid:2.999.118" },
    Delegation { prefix: "ecode:2900112345678", home: "88.118.8", parent: "ecode:" },
];

/// A prefix of another system in the hierarchy.
pub struct Delegation {
    pub prefix: &'static str,
    pub home: &'static str,
    pub parent: &'static str,
}

/// The VAA identifier of the engine that has all these codes.
pub const ENGINE: &str = "88.118.8/JXDY2106023";
const GTIN: &str = "gs1:01/09521321000018";
const SERIAL: &str = "gs1:01/09521321000018/21/JXDY2106023";
const OID: &str = "oid:2.999.118.8.2106023";
const ECODE: &str = "ecode:2900112345678000000012106023";
const BID: &str = "did:bid:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx";

/// A record of another system.
pub struct Item {
    pub name: &'static str,
    /// A prefix homed at the node that keeps it.
    pub home: &'static str,
    pub title_zh: &'static str,
    pub title_en: &'static str,
    values: fn(&Site) -> Vec<Value>,
}

impl Item {
    /// Its values; pages are shown at `public_url`.
    pub fn values(&self, public_url: &str) -> Vec<Value> {
        (self.values)(&Site::new(&ENGINES, public_url))
    }
}

/// The records, each system's most telling one first.
pub const ITEMS: [Item; 6] = [
    Item {
        name: SERIAL,
        home: "gs1:9521321",
        title_zh: "同一台发动机的 GS1 编码（GTIN＋序列号）",
        title_en: "The same engine's GS1 code: GTIN and serial",
        values: engine_by_serial,
    },
    Item {
        name: OID,
        home: "oid:2.999.118.8",
        title_zh: "同一台发动机的 OID",
        title_en: "The same engine's OID",
        values: engine_by_oid,
    },
    Item {
        name: ECODE,
        home: "ecode:2900112345678",
        title_zh: "同一台发动机的 Ecode（演示编码方案）",
        title_en: "The same engine's Ecode, of a demo scheme",
        values: engine_by_ecode,
    },
    Item {
        name: BID,
        home: "did:bid",
        title_zh: "同一台发动机的分布式标识（did:bid）",
        title_en: "The same engine's decentralised identifier",
        values: engine_by_did,
    },
    Item {
        name: GTIN,
        home: "gs1:9521321",
        title_zh: "该产品型号的 GTIN，多个链接",
        title_en: "The GTIN of its model, with links of several types",
        values: model_by_gtin,
    },
    Item {
        name: "oid:2.999.118.8",
        home: "oid:2.999.118.8",
        title_zh: "企业的 OID 节点",
        title_en: "The OID node of the enterprise",
        values: owner_by_oid,
    },
];

/// Identifiers that the VAA record names in turn.
pub const CODES: [&str; 4] = [SERIAL, OID, ECODE, BID];

fn link(url: &str, title: &str, language: &str) -> String {
    serde_json::json!({"href": url, "title": title, "type": "text/html", "hreflang": [language]}).to_string()
}

fn engine_by_serial(site: &Site) -> Vec<Value> {
    Sheet::default()
        .text("DESC", "发动机 JXDY2106023 Engine JXDY2106023")
        .text("gs1:defaultLink", "gs1:traceability")
        .text("gs1:traceability", link(&site.page("JXDY2106023"), "出厂记录 Record of manufacture", "zh"))
        .text(SAME_AS, ENGINE)
        .values()
}

fn model_by_gtin(site: &Site) -> Vec<Value> {
    let page = site.page("JX172MM");
    Sheet::default()
        .text("DESC", "单缸水冷发动机 JX172MM Engine JX172MM")
        .text("gs1:defaultLink", "gs1:pip")
        .text("gs1:pip", link(&format!("{page}&lang=zh"), "产品信息", "zh"))
        .text("gs1:pip", link(&format!("{page}&lang=en"), "Product information", "en"))
        .text("gs1:instructions", link(&format!("{page}&lang=zh#manual"), "使用说明书", "zh"))
        .values()
}

fn engine_by_oid(site: &Site) -> Vec<Value> {
    Sheet::page(site, "JXDY2106023").text("DESC", "发动机 JXDY2106023").text(SAME_AS, ENGINE).values()
}

fn owner_by_oid(site: &Site) -> Vec<Value> {
    Sheet::page(site, "JX172MM").text("DESC", ENGINES.name).values()
}

fn engine_by_ecode(site: &Site) -> Vec<Value> {
    Sheet::page(site, "JXDY2106023").text("DESC", "发动机 JXDY2106023").text(SAME_AS, ENGINE).values()
}

fn engine_by_did(site: &Site) -> Vec<Value> {
    Sheet::page(site, "JXDY2106023").text("DESC", "发动机 JXDY2106023").text(SAME_AS, ENGINE).values()
}
