//! The secondary node 二级节点: keeps `0.NA/88.118.xxx`, refers to the enterprise nodes and hosts enterprises.

use super::Recipe;

pub fn recipe() -> Recipe {
    Recipe {
        authority: true,
        recursion: false,
        administration: true,
        registry: true,
        example_prefix: Some("88.118"),
        delegates_below: true,
        handle_port: 2641,
        http_port: 8000,
        admin_port: 9300,
        gateway_json: false,
        zh: "二级节点",
        en: "secondary node",
        next: &[
            "hufu serve --config secondary.toml",
            "hufu delegate 88.118.8 --parent <this node> --child <enterprise node>",
        ],
    }
}
