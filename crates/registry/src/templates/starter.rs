//! The starter set: templates for the industries that industrial identifiers are used in, to be taken over and changed.
//!
//! The files in `starter/` are in the form of [`TemplateContent`]; a test checks every one of them. What is taken over
//! is a draft like any other, and no more connected with the set.

use super::content::TemplateContent;
use super::life::NewTemplate;
use super::template::TemplateView;
use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

const FILES: [(&str, &str); 8] = [
    ("machinery", include_str!("starter/machinery.toml")),
    ("vehicles", include_str!("starter/vehicles.toml")),
    ("food", include_str!("starter/food.toml")),
    ("medical", include_str!("starter/medical.toml")),
    ("materials", include_str!("starter/materials.toml")),
    ("delivery", include_str!("starter/delivery.toml")),
    ("metrology", include_str!("starter/metrology.toml")),
    ("trade", include_str!("starter/trade.toml")),
];

/// A template of the starter set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StarterTemplate {
    /// Its name in requests: `engine`.
    pub key: String,
    /// What it belongs to: `machinery`, `food`, ….
    #[serde(default)]
    #[schema(required = true)]
    pub group: String,
    pub content: TemplateContent,
}

/// All of the starter set.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StarterSet {
    pub items: Vec<StarterTemplate>,
    pub total: usize,
}

/// What is taken over from the starter set, and where to.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StarterTaking {
    /// Prefix below which the template shall be; the caller's own.
    #[schema(max_length = 255)]
    pub prefix: String,
    /// The maker's version, unique below the prefix.
    #[schema(min_length = 1, max_length = 128)]
    pub version_text: String,
    /// Its handle below the prefix; the node makes one unless given.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub handle: Option<String>,
}

#[derive(Deserialize)]
struct File {
    template: Vec<StarterTemplate>,
}

fn read(group: &str, text: &str) -> Result<Vec<StarterTemplate>, toml::de::Error> {
    let mut file: File = toml::from_str(text)?;
    for starter in &mut file.template {
        starter.group = group.to_owned();
        starter.content.complete();
        starter.content.number_items(0);
    }
    Ok(file.template)
}

/// The set. The files are part of the program, and the test reads all of them.
pub fn all() -> &'static [StarterTemplate] {
    static SET: OnceLock<Vec<StarterTemplate>> = OnceLock::new();
    SET.get_or_init(|| {
        let mut set = Vec::new();
        for (group, text) in FILES {
            match read(group, text) {
                Ok(some) => set.extend(some),
                Err(error) => tracing::error!(group, %error, "a file of the starter set cannot be read"),
            }
        }
        set
    })
}

impl Registry {
    /// The starter set.
    pub async fn starter_templates(&self, caller: &Caller) -> Result<StarterSet, Error> {
        self.authorise(caller, Permission::TemplateRead, "starter").await?;
        Ok(StarterSet { items: all().to_vec(), total: all().len() })
    }

    /// Makes a draft of a template of the starter set.
    pub async fn take_starter(
        &self,
        caller: &Caller,
        key: &str,
        taking: &StarterTaking,
    ) -> Result<TemplateView, Error> {
        self.authorise(caller, Permission::TemplateWrite, &format!("starter {key}")).await?;
        let starter = all().iter().find(|starter| starter.key == key);
        let starter = starter.ok_or_else(|| Refusal::absent("入门模板", "starter template", key))?;
        let new = NewTemplate {
            prefix: taking.prefix.clone(),
            version_text: taking.version_text.clone(),
            handle: taking.handle.clone(),
            content: starter.content.clone(),
        };
        self.create_template(caller, &new).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_file_is_read_and_every_template_may_be_published() {
        let mut keys = HashSet::new();
        for (group, text) in FILES {
            let set = read(group, text).unwrap_or_else(|error| panic!("{group}: {error}"));
            assert!(!set.is_empty(), "{group}");
            for starter in set {
                let (key, content) = (&starter.key, &starter.content);
                content.check().unwrap_or_else(|refusal| panic!("{key}: {:?}", refusal.fields));
                assert!(keys.insert(key.clone()), "{key} twice");
                assert!(!content.industry().is_empty(), "{key} has no industry");
                let in_both = |labels: &std::collections::BTreeMap<String, String>| {
                    labels.contains_key("zh") && labels.contains_key("en")
                };
                assert!(in_both(&content.labels) && content.items.iter().all(|item| in_both(&item.labels)), "{key}");
                let shown = content.items.iter().any(|item| item.required && item.listed);
                assert!(shown, "{key}: lists show nothing that every object has");
            }
        }
        assert_eq!(keys.len(), all().len());
    }

    /// The industries of the book of cases.
    #[test]
    fn the_set_covers_the_cases() {
        for key in [
            "engine",
            "part",
            "battery-pack",
            "cold-chain-container",
            "wine-bottle",
            "wine-case",
            "truck-part",
            "medical-device",
            "mould",
            "fibre",
            "cable",
            "yarn",
            "fabric",
            "ship-document",
            "oilfield-material",
            "pcb-recipe",
            "invoice",
            "calibration-certificate",
            "vehicle",
            "person",
            "machine",
            "order",
        ] {
            assert!(all().iter().any(|starter| starter.key == key), "{key}");
        }
    }
}
