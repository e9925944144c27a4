//! Templates and metadata: what the fields of objects mean and what they may hold.
//!
//! - [`item`], [`rules`]: the fields of a template, their data types and what restricts them.
//! - [`check`]: values against a template; pure, as are [`number`] and [`date`].

pub mod check;
pub mod date;
mod fault;
pub mod item;
pub mod number;
pub mod rules;

pub use check::{Mode, check_values};
pub use fault::FieldFault;
pub use item::{Classification, DataType, Item, ItemState, Template, Visibility};
pub use rules::{Pattern, Rules};

use crate::error::Error;
use sqlx::AnyConnection;

fn demo(name: &str) -> Template {
    let item = |index, name: &str, visibility, unique| Item {
        index,
        name: name.into(),
        visibility,
        unique,
        ..Item::default()
    };
    Template {
        handle: name.to_owned(),
        version: "1.0".into(),
        items: vec![
            item(2000, "name", Visibility::Public, false),
            item(2001, "batch", Visibility::Granted, false),
            item(2002, "cost", Visibility::Private, false),
            item(2003, "serial", Visibility::Public, true),
        ],
    }
}
pub async fn usable(_: &mut AnyConnection, name: &str, _: Option<&str>) -> Result<Template, Error> {
    Ok(demo(name))
}
pub async fn as_used(_: &mut AnyConnection, name: &str) -> Result<Template, Error> {
    Ok(demo(name))
}
pub async fn unique_indexes(_: &mut AnyConnection, name: &str) -> Result<Vec<u32>, Error> {
    Ok(demo(name).unique_indexes())
}
