//! Sample records of three invented companies: engines, optical fibre and frozen seafood.
//!
//! Everything follows from ordinals, so each call gives the same records in the same order. Whatever a record
//! refers to is itself a record of that company. The companies, numbers and digests are made up.

mod cold_chain;
mod draw;
mod engines;
mod fibre;
mod sheet;
pub mod systems;

use hufu_ident::Value;
use sheet::Site;

/// An enterprise that registers sample records.
#[derive(Debug, PartialEq, Eq)]
pub struct Company {
    pub prefix: &'static str,
    /// In Chinese.
    pub name: &'static str,
    pub name_en: &'static str,
    /// In Chinese.
    pub industry: &'static str,
}

pub const ENGINES: Company = Company {
    prefix: "88.118.8",
    name: "重庆嘉岘动源发动机有限公司",
    name_en: "Chongqing Jiaxian Dongyuan Engine Co., Ltd.",
    industry: "发动机制造",
};

pub const FIBRE: Company = Company {
    prefix: "88.118.15",
    name: "南通澜棹光纤光缆有限公司",
    name_en: "Nantong Lanzhao Optical Fibre & Cable Co., Ltd.",
    industry: "光纤光缆",
};

pub const COLD_CHAIN: Company = Company {
    prefix: "88.101.4",
    name: "青岛浦汐冷链食品有限公司",
    name_en: "Qingdao Puxi Cold Chain Foods Co., Ltd.",
    industry: "冷链食品",
};

pub fn companies() -> [&'static Company; 3] {
    [&ENGINES, &FIBRE, &COLD_CHAIN]
}

type Records = Box<dyn Iterator<Item = (String, Vec<Value>)> + Send>;

/// Suffix and values of every record of `company`, always the same and in the same order. Pages are shown by
/// the proxy at `public_url`; the administrator's value is the caller's. Other companies have no records.
pub fn records(company: &Company, public_url: &str) -> impl Iterator<Item = (String, Vec<Value>)> + Send + use<> {
    let site = Site::new(company, public_url);
    let records: Records = match company.prefix {
        prefix if prefix == ENGINES.prefix => {
            Box::new(engines::items().map(move |item| (item.suffix(), item.values(&site))))
        }
        prefix if prefix == FIBRE.prefix => {
            Box::new(fibre::items().map(move |item| (item.suffix(), item.values(&site))))
        }
        prefix if prefix == COLD_CHAIN.prefix => {
            Box::new(cold_chain::items().map(move |item| (item.suffix(), item.values(&site))))
        }
        _ => Box::new(std::iter::empty()),
    };
    records
}

/// A record worth showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub suffix: String,
    pub title_zh: String,
    pub title_en: String,
}

/// A plain record first, then one with Chinese and a space in its suffix, an HS_ALIAS, and a 10320/loc.
pub fn samples(company: &Company) -> Vec<Sample> {
    let list: &[[&str; 3]] = match company.prefix {
        prefix if prefix == ENGINES.prefix => &engines::SAMPLES,
        prefix if prefix == FIBRE.prefix => &fibre::SAMPLES,
        prefix if prefix == COLD_CHAIN.prefix => &cold_chain::SAMPLES,
        _ => &[],
    };
    let owned = |[suffix, title_zh, title_en]: &[&str; 3]| Sample {
        suffix: suffix.to_string(),
        title_zh: title_zh.to_string(),
        title_en: title_en.to_string(),
    };
    list.iter().map(owned).collect()
}

#[cfg(test)]
mod tests;
