//! The enterprise node 企业节点: keeps the identifiers of a company and answers with their values.

use super::Recipe;

pub fn recipe() -> Recipe {
    Recipe {
        authority: true,
        recursion: false,
        administration: true,
        registry: true,
        example_prefix: Some("88.118.8"),
        delegates_below: false,
        handle_port: 2641,
        http_port: 3000,
        admin_port: 9300,
        gateway_json: false,
        zh: "企业节点",
        en: "enterprise node",
        next: &[
            "hufu serve --config enterprise.toml",
            "ask your secondary node to delegate the prefix to this node's address",
            "hufu import parts.csv --prefix 88.118.8 --server <this node> --identity 301:0.NA/88.118.8",
        ],
    }
}
